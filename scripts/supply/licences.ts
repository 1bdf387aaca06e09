/** Which licences a dependency may have, as SPDX expressions. */

/** They ask for a notice at most. What the program serves to browsers, and its source, may be passed on under them. */
const allowed: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  // Libraries of libvips, linked at run time, and libheif as WebAssembly: passed on unchanged, and exchangeable.
  "LGPL-3.0",
  "LGPL-3.0-or-later",
  // Asks for the source of its own files when they are changed; they are used unchanged.
  "MPL-2.0",
  // Fonts: they are embedded in papers, which the licence leaves free, and are never sold alone.
  "OFL-1.1",
  "PostgreSQL",
  "Python-2.0",
  "Unlicense",
  "Zlib",
])

/** Whether an expression such as "(MIT OR EUPL-1.1+)" leaves a choice that is allowed. */
export function isAllowed(expression: string): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const take = (word: string) => words[at] === word && at++ >= 0
  const either = (): boolean => {
    let result = both()
    while (take("OR")) result = both() || result
    return result
  }
  const both = (): boolean => {
    let result = one()
    while (take("AND")) result = one() && result
    return result
  }
  const one = (): boolean => {
    if (!take("(")) return allowed.has(words[at++] ?? "")
    const result = either()
    return take(")") && result
  }
  return either() && at === words.length
}

/** The licence of a package whose package.json names none: by the first line of its text. */
export const licenceIn = (texts: readonly string[]): string | undefined =>
  texts.some((text) => text.startsWith("MIT License\n")) ? "MIT" : undefined

/** Packages whose page names the licence that their package.json leaves out. */
export const licenceOnPage: Readonly<Record<string, string>> = { "combine-errors": "MIT" }

/** The licence that a package.json names, in any of the forms that were ever usual; undefined: none. */
export function licenceOf({ license, licenses }: { license?: unknown; licenses?: unknown }): string | undefined {
  const named = [license, licenses].flat().flatMap((each) => {
    if (typeof each === "string") return [each]
    const type = (each as { type?: unknown } | undefined)?.type
    return typeof type === "string" ? [type] : []
  })
  const text = named.join(" OR ").trim()
  return text === "" || /^(UNLICENSED|SEE LICEN[CS]E IN .*)$/i.test(text) ? undefined : text
}
