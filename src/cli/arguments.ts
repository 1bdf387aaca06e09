/** The arguments of a command. An argument that the command does not take is refused before the command runs. */
import { editsBetween } from "#base/edits.ts"

export interface Arguments {
  /** The command's name. */
  readonly name: string
  /** The flags that it takes, such as "--fast"; one with a value ends with an equals sign, such as "--cause=". */
  readonly flags?: readonly string[]
  /** Names of the further words that it takes at most, in their order. */
  readonly words?: readonly string[]
}

/** The refusal of the first argument that the command does not take; undefined: it takes all of them. */
export function refusalOf({ name, flags = [], words = [] }: Arguments, args: readonly string[]): string | undefined {
  const others = args.filter(
    (each) => !flags.some((flag) => (flag.endsWith("=") ? each.startsWith(flag) : each === flag)),
  )
  const unknown = others.find((each, nth) => each.startsWith("-") || nth >= words.length)
  if (unknown === undefined) return undefined
  const near = flags.find((flag) => editsBetween(unknown.replace(/=.*$/s, "="), flag) <= mostEdits)
  const use = ["./scripts/slotbase", name, ...[...words, ...flags].map((each) => `[${each}]`)].join(" ")
  return `${name} does not take "${unknown}": ${near ? `did you mean ${near}? ` : ""}${use}`
}

/** More edits make another flag. */
const mostEdits = 2
