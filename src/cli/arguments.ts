/** The arguments of a command. An argument that the command does not take is refused before the command runs. */
import { editsBetween } from "#base/edits.ts"

export interface Arguments {
  /** The command's name. */
  readonly name: string
  /** The flags that it takes, such as "--fast". */
  readonly flags?: readonly string[]
  /** The options that it takes with a value, such as "--facility": "--facility ID" or "--facility=ID". */
  readonly options?: readonly string[]
  /** Names of the further words that it takes at most, in their order. */
  readonly words?: readonly string[]
}

/** The refusal of the first argument that the command does not take; undefined: it takes all of them. */
export function refusalOf(command: Arguments, args: readonly string[]): string | undefined {
  const { name, flags = [], options = [], words = [] } = command
  const { rest, lacking } = split(command, args)
  const others = rest.filter((each) => !flags.includes(each))
  const unknown = others.find((each, nth) => each.startsWith("-") || nth >= words.length)
  const use = useOf(command)
  if (unknown === undefined) return lacking === undefined ? undefined : `${name} ${lacking} needs a value: ${use}`
  const near = [...flags, ...options].find((flag) => editsBetween(unknown, flag) <= mostEdits)
  return `${name} does not take "${unknown}": ${near ? `did you mean ${near}? ` : ""}${use}`
}

/** Such as "./scripts/slotbase demo [--fast] [--seed …]". */
export function useOf({ name, flags = [], options = [], words = [] }: Arguments): string {
  const valued = options.map((option) => `${option} …`)
  return ["./scripts/slotbase", name, ...[...words, ...flags, ...valued].map((each) => `[${each}]`)].join(" ")
}

/** Whether somebody asks how the command is used. */
export const asksForHelp = (args: readonly string[]): boolean => args.includes("--help") || args.includes("-h")

/** The values of the options; of an option that is given twice, the last one. Refused arguments are left out. */
export const valuesOf = (command: Arguments, args: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(split(command, args).values)

/** The words, without options and their values. */
export const wordsOf = (command: Arguments, args: readonly string[]): readonly string[] =>
  split(command, args).rest.filter((each) => !each.startsWith("-"))

function split({ options = [] }: Arguments, args: readonly string[]) {
  const values: [string, string][] = []
  const rest: string[] = []
  let lacking: string | undefined
  for (let nth = 0; nth < args.length; nth++) {
    const arg = args[nth] ?? ""
    const option = options.find((each) => arg === each || arg.startsWith(`${each}=`))
    if (option === undefined) {
      rest.push(arg)
      continue
    }
    const value = arg === option ? args[++nth] : arg.slice(option.length + 1)
    if (value === undefined || value === "" || value.startsWith("--")) lacking ??= option
    else values.push([option, value])
  }
  return { values, rest, lacking }
}

/** More edits make another word. */
export const mostEdits = 2
