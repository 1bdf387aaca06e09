/** Tidies a coach's text by rules: spaces, the beginnings and ends of sentences. No word is changed. Pure. */

export function tidyText(text: string): string {
  return text
    .split(/\r?\n/)
    .map(tidyLine)
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()
}

function tidyLine(line: string): string {
  const spaced = line
    .replace(/[ \t\u00a0]+/g, " ")
    .replace(/ +([,;:!?])/g, "$1")
    .replace(/ +\.(?=\p{L})/gu, ". ")
    .replace(/ +\.(?!\d)/g, ".")
    .replace(/([!?])\1{2,}/g, "$1")
    .replace(/,(?=\p{L})/gu, ", ")
    .trim()
  if (spaced === "") return ""
  const begun = spaced.replace(
    /(^|[.!?] )(\p{Ll})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  )
  return /[\p{L}\p{N})]$/u.test(begun) && begun.includes(" ") ? `${begun}.` : begun
}
