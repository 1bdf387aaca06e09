/**
 * Finds misspelt environment variables. The program ignores a variable that it does not know, so a typing error would
 * silently leave a default in force. Unknown SLOTBASE_… variables are always reported. Other variables belong to other
 * programs; they are reported only when one edit away from a variable of this program.
 */
import { variables } from "./config.ts"
import { editsBetween } from "./edits.ts"

/** One sentence for each suspect. */
export function unknownVariables(env: Record<string, string | undefined>): string[] {
  return Object.keys(env)
    .filter((name) => !known.has(name) && !ofTheTests.test(name))
    .sort()
    .flatMap((name) => {
      const { variable, edits } = nearest(name)
      if (edits === 1 || (name.startsWith("SLOTBASE_") && edits <= mostEdits))
        return `${name} is not a variable of SlotBase and is ignored. Did you mean ${variable}?`
      return name.startsWith("SLOTBASE_")
        ? `${name} is not a variable of SlotBase and is ignored. docs/operating.md lists all variables.`
        : []
    })
}

const known: ReadonlySet<string> = new Set(variables)
/** `./scripts/test` and its parts read these. */
const ofTheTests = /^SLOTBASE_(TEST|RECORD|PROPERTY|FUZZ|MUTATION)\w*$/
/** More edits make another word of most names. */
const mostEdits = 3
/** PORT and HOST are too short: half of all short names are one edit away. */
const shortest = 8

function nearest(name: string): { variable: string; edits: number } {
  return variables
    .filter((variable) => variable.length >= shortest)
    .map((variable) => ({ variable, edits: editsBetween(name, variable) }))
    .reduce((best, next) => (next.edits < best.edits ? next : best))
}
