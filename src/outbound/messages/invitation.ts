/**
 * The calendar invitation of a booking's mail (RFC 5545 and 5546). It puts the time into the reader's own calendar, and
 * later mails move it and take it out again. The UID is the booking's id. The SEQUENCE is the time of the event in
 * seconds, so a later change always has a higher one. Times are UTC: no reader has to know the zone.
 * The text is kept without addresses and in long lines; `finishedInvitation` completes it when the mail leaves.
 */
import { oneLine } from "./one-line.ts"

/** The events whose mails carry an invitation, with its method. */
const methods: Readonly<Record<string, "REQUEST" | "CANCEL">> = {
  "booking.confirmed": "REQUEST",
  "booking.rescheduled": "REQUEST",
  "booking.cancelled": "CANCEL",
}

export interface InvitedEvent {
  readonly type: string
  readonly occurred_at: Date
  readonly data: object
}

/** Null: the event's mails carry none. @param summary of the mail, in the reader's language */
export function invitationOf(
  { type, occurred_at: occurredAt, data }: InvitedEvent,
  place: { readonly facility: { readonly name: string }; readonly resource: string },
  summary: string,
): string | null {
  const method = methods[type]
  const { bookingId, startAt, endAt, status } = data as Facts
  // What waits for approval is no appointment yet.
  if (method === undefined || status === "pending") return null
  const where = [place.resource, place.facility.name].filter((part) => part !== "").join(", ")
  return [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//SlotBase//SlotBase//EN",
    `METHOD:${method}`,
    "BEGIN:VEVENT",
    `UID:${bookingId}`,
    `SEQUENCE:${Math.floor(occurredAt.getTime() / 1000) - sequenceEpoch}`,
    `DTSTAMP:${stampOf(occurredAt.toISOString())}`,
    `DTSTART:${stampOf(startAt)}`,
    `DTEND:${stampOf(endAt)}`,
    `SUMMARY:${escapedText(where)}`,
    `LOCATION:${escapedText(where)}`,
    `DESCRIPTION:${escapedText(summary)}`,
    `STATUS:${method === "CANCEL" ? "CANCELLED" : "CONFIRMED"}`,
    "TRANSP:OPAQUE",
    `ORGANIZER;CN=${quoted(place.facility.name)}:${organizerPlace}`,
    `ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE:${attendeePlace}`,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ].join("\r\n")
}

/** The invitation as it leaves: with the addresses of this mail, and no line above 75 bytes. */
export function finishedInvitation(text: string, { from, to }: { readonly from: string; readonly to: string }): string {
  return text
    .replace(organizerPlace, () => `mailto:${from}`)
    .replace(attendeePlace, () => `mailto:${to}`)
    .split("\r\n")
    .map(folded)
    .join("\r\n")
}

/** Addresses that lead nowhere (RFC 2606, section 2). */
const organizerPlace = "mailto:organizer@slotbase.invalid"
const attendeePlace = "mailto:attendee@slotbase.invalid"

/** Seconds; a SEQUENCE has 31 bits, which last until 2091. */
const sequenceEpoch = 1_700_000_000

interface Facts {
  readonly bookingId: string
  readonly startAt: string
  readonly endAt: string
  readonly status?: string
}

/** 20260312T170000Z */
const stampOf = (instant: string) => new Date(instant).toISOString().replace(/[-:]|\.\d{3}/g, "")

/** A value of type TEXT (RFC 5545, 3.3.11). */
const escapedText = (text: string) => oneLine(text).replace(/[\\;,]/g, (sign) => `\\${sign}`)

/** The value of a parameter: it has no way to hold a quotation mark (RFC 5545, 3.2). */
const quoted = (text: string) => `"${oneLine(text).replaceAll('"', "'")}"`

const longestBytes = 75

/** The first piece of a line in ASCII, or a later one, which has a blank before it. */
const ofOneLine = /^.{75}|.{1,74}/g

/** Folds a line by bytes, and never inside a character (RFC 5545, 3.1). */
function folded(line: string): string {
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
