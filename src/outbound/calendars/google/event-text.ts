/**
 * Google's events as iCalendar, so that one reader reads the events of all providers. Google gives the rules of a
 * series in the lines of RFC 5545 already, and each exception of it as an event of its own. Pure.
 */

interface GoogleTime {
  /** With its offset, such as 2026-03-10T09:00:00+01:00. */
  readonly dateTime?: string
  readonly date?: string
  readonly timeZone?: string
}

/** The fields of an event that are read. A deleted one may have its id and its status alone. */
export interface GoogleEvent {
  readonly id: string
  readonly etag?: string
  readonly status?: "confirmed" | "tentative" | "cancelled"
  readonly iCalUID?: string
  readonly summary?: string
  readonly description?: string
  readonly location?: string
  readonly start?: GoogleTime
  readonly end?: GoogleTime
  readonly recurrence?: readonly string[]
  readonly recurringEventId?: string
  readonly originalStartTime?: GoogleTime
  readonly transparency?: "opaque" | "transparent"
  readonly attendees?: readonly { readonly self?: boolean; readonly responseStatus?: string }[]
  readonly eventType?: string
  readonly extendedProperties?: { readonly private?: Readonly<Record<string, string>> }
}

/** The text of an event, with the exceptions of a series. */
export const googleText = (event: GoogleEvent, exceptions: readonly GoogleEvent[] = []): string =>
  [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//SlotBase//SlotBase//EN",
    ...linesOf(event, uidOf(event)),
    ...exceptions.flatMap((each) => linesOf(each, uidOf(event), true)),
    "END:VCALENDAR",
    "",
  ].join("\r\n")

/** The id of a booking's entry. Ids are of the letters a to v and digits. */
export const googleIdOf = (bookingId: string): string => `slotbase${bookingId.replaceAll("-", "")}`

/** The booking of an entry; undefined: it is no entry. */
export function bookingOfGoogleId(id: string): string | undefined {
  const hex = /^slotbase([0-9a-f]{32})$/.exec(id)?.[1]
  return hex?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}

const uidOf = ({ id, iCalUID = id }: GoogleEvent) => bookingOfGoogleId(id) ?? iCalUID

function linesOf(event: GoogleEvent, uid: string, isException = false): string[] {
  const { originalStartTime, start, end } = event
  const isSeries = event.recurrence !== undefined
  return [
    "BEGIN:VEVENT",
    `UID:${oneLineOf(uid)}`,
    ...(originalStartTime && isException ? [timeLine("RECURRENCE-ID", originalStartTime, false)] : []),
    ...(start
      ? [timeLine("DTSTART", start, isSeries)]
      : originalStartTime
        ? [timeLine("DTSTART", originalStartTime, false)]
        : []),
    ...(end ? [timeLine("DTEND", end, isSeries)] : []),
    ...(event.recurrence ?? []).map(oneLineOf),
    `SUMMARY:${escaped(event.summary ?? "")}`,
    `DESCRIPTION:${escaped(event.description ?? "")}`,
    `LOCATION:${escaped(event.location ?? "")}`,
    `STATUS:${(event.status ?? "confirmed").toUpperCase()}`,
    `TRANSP:${makesNobodyBusy(event) ? "TRANSPARENT" : "OPAQUE"}`,
    "END:VEVENT",
  ]
}

/** A series is on the clock of its zone; a single time is an instant. */
function timeLine(name: string, { dateTime, date, timeZone }: GoogleTime, isOfSeries: boolean): string {
  if (date !== undefined) return `${name};VALUE=DATE:${date.replaceAll("-", "")}`
  const text = dateTime ?? ""
  if (isOfSeries && timeZone !== undefined)
    return `${name};TZID=${oneLineOf(timeZone)}:${text.slice(0, 19).replace(/[-:]/g, "")}`
  const at = Date.parse(text)
  return `${name}:${Number.isNaN(at) ? oneLineOf(text) : new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, "")}`
}

function makesNobodyBusy({ transparency, attendees = [], eventType }: GoogleEvent): boolean {
  const isDeclined = attendees.some(({ self, responseStatus }) => self && responseStatus === "declined")
  return transparency === "transparent" || isDeclined || eventType === "workingLocation" || eventType === "birthday"
}

const oneLineOf = (text: string) => text.replaceAll(/[\r\n]/g, " ")
const escaped = (text: string) => text.replaceAll(/[\\;,]/g, (sign) => `\\${sign}`).replaceAll(/\r?\n|\r/g, "\\n")
