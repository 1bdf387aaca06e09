/**
 * A law is a pure function from a tree of files to its violations. Each law brings small trees: some break the law,
 * with the exact messages, and some keep it.
 */

export interface Source {
  /** From the project's root. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly file: string
  /** Follows the name of the file: "imports elysia". */
  readonly says: string
  /** The name that an exception must give (a table, a room); the file, unless said otherwise. */
  readonly about?: string
}

/** The exceptions, each with its reason. An exception that is not needed breaks the law. */
export type Exceptions = Readonly<Record<string, string>>

export interface Example {
  readonly tree: Readonly<Record<string, string>>
  readonly exceptions?: Exceptions
}

export interface Law {
  /** A sentence. Each message ends with it. */
  readonly name: string
  /** The files that the law reads; each of these patterns must match one. */
  readonly reads: readonly RegExp[]
  readonly check: (sources: readonly Source[]) => Violation[]
  readonly exceptions?: Exceptions
  readonly broken: readonly (Example & { readonly says: readonly string[] })[]
  readonly kept: readonly Example[]
}

export const typescript = /^(src|actors|scripts|test)\/.*\.tsx?$/
export const product = /^(src|actors)\/.*\.tsx?$/
export const schema = /^sql\/.*\.sql$/

/** The messages, one for each violation. A law that finds nothing to read reports that as an error. */
export function violations(law: Law, tree: readonly Source[], exceptions: Exceptions = {}): string[] {
  const read = tree.filter(({ path }) => law.reads.some((pattern) => pattern.test(path)))
  if (read.length === 0) return [`nothing was read (${law.name})`]
  const found = law.check(read)
  const about = new Set(found.map(({ about, file }) => about ?? file))
  return [
    ...found
      .filter(({ about, file }) => !Object.hasOwn(exceptions, about ?? file))
      .map(({ file, says }) => `${file} ${says} (${law.name})`),
    ...Object.keys(exceptions)
      .filter((each) => !about.has(each))
      .map((each) => `${each} is an exception that is not needed (${law.name})`),
  ]
}

export function treeOf({ tree }: Example): Source[] {
  return Object.entries(tree).map(([path, text]) => ({ path, text }))
}
