/**
 * A mutation changes one text of one file, so that the program does something wrong. The mutation names the tests that
 * must see this.
 */

export interface Mutation {
  readonly name: string
  /** From the project's root. */
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Test files, from the project's root. At least one of them must fail. */
  readonly tests: readonly string[]
}

/** The text of the file with the mutation. Throws when the text to find does not stand there exactly once. */
export function mutated(text: string, { name, file, find, replace }: Mutation): string {
  const times = text.split(find).length - 1
  if (times !== 1)
    throw new Error(`${name}: the text to find stands ${times} times in ${file}, and must once:\n  ${find}`)
  return text.replace(find, () => replace)
}
