/** Texts of messages as single lines, so that none can add a line or a header to a mail. Pure. */
import type { WordField } from "./templates/template.ts"

/** Characters. A person's reason can be long; a mail of it should not be. */
const longestLine = 1_000
/** Characters. The mail client folds a line long before, at its own limit of 998 bytes. */
export const longestSubject = 200

export const longestOf = (field: WordField): number => (field === "subject" ? longestSubject : longestLine)

/**
 * Makes a single line. Control characters, line breaks and runs of blanks become one blank.
 * Characters that reverse the direction of writing are dropped, because they disguise a text.
 */
export function oneLine(text: string, limit = longestLine): string {
  const line = text
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
  return line.length <= limit ? line : `${line.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, "")}…`
}
