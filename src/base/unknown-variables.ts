/**
 * Finds misspelt environment variables. The program ignores a variable that it does not know, so a typing error would
 * silently leave a default in force. Unknown SLOTBASE_… variables are always reported. Other variables belong to other
 * programs; they are reported only when one edit away from a variable of this program.
 */
import { variables } from "./config.ts"

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

/** Letters to insert, drop, change, or swap with their neighbour (optimal string alignment). */
function editsBetween(from: string, to: string): number {
  let twoBack: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(twoBack, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    twoBack = previous
    previous = current
  }
  return at(previous, to.length)
}

const at = (row: readonly number[], column: number) => row[column] ?? Number.POSITIVE_INFINITY
