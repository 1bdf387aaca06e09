/**
 * The lines of iCalendar (RFC 5545): the values that a line holds, and lines of at most 75 bytes. Invitations in mails
 * and calendar feeds are written with them. Pure functions.
 */

/** A line of the beginning of every calendar that SlotBase writes. */
export const producerLine = "PRODID:-//SlotBase//SlotBase//EN"

/** An instant in UTC, such as 20260312T170000Z. */
export const icalInstant = (at: Date | string | number): string =>
  new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, "")

/** A value of type TEXT (3.3.11). What ends a line, and every other control character, becomes a blank. */
export const icalText = (text: string): string => onOneLine(text).replace(/[\\;,]/g, (sign) => `\\${sign}`)

/** The value of a parameter in quotation marks. It has no way to hold one itself (3.2). */
export const icalQuoted = (text: string): string => `"${onOneLine(text).replaceAll('"', "'")}"`

const onOneLine = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").toWellFormed()

/** The SEQUENCE of a change: seconds. A later change has a higher one. Its 31 bits last until 2091. */
export const sequenceOf = (changedAt: Date): number => Math.max(0, Math.floor(changedAt.getTime() / 1000) - epoch)
const epoch = 1_700_000_000

/** The text of a calendar: lines end with CRLF, and no line is above 75 bytes. */
export const icalFile = (lines: readonly string[]): string => `${lines.map(foldedLine).join("\r\n")}\r\n`

const longestBytes = 75

/** The first piece of a line in ASCII, or a later one, which has a blank before it. */
const ofOneLine = /^.{75}|.{1,74}/g

/** Folds a line by bytes, and never inside a character (3.1). */
export function foldedLine(line: string): string {
  const size = Buffer.byteLength(line)
  if (size <= longestBytes) return line
  if (size === line.length) return line.replaceAll(ofOneLine, (piece, from) => (from === 0 ? piece : `\r\n ${piece}`))
  const lines: string[] = []
  let [piece, bytes] = ["", 0]
  for (const sign of line) {
    const size = Buffer.byteLength(sign)
    if (bytes + size > longestBytes) {
      lines.push(piece)
      ;[piece, bytes] = [" ", 1]
    }
    piece += sign
    bytes += size
  }
  return [...lines, piece].join("\r\n")
}
