/**
 * Outlook's events as iCalendar, so that one reader reads the events of all providers. Graph counts the occurrences of
 * a series itself, so a series is written as its occurrences, one by one. All times are asked for in UTC. Pure.
 */

interface GraphTime {
  /** Without an offset, such as 2026-03-10T09:00:00.0000000. */
  readonly dateTime?: string
  readonly timeZone?: string
}

/** The fields of an event that are read. An occurrence in a list of changes has its id and its times alone. */
export interface GraphEvent {
  readonly id: string
  readonly "@odata.etag"?: string
  /** It was deleted. */
  readonly "@removed"?: { readonly reason?: string }
  readonly type?: "singleInstance" | "occurrence" | "exception" | "seriesMaster"
  readonly seriesMasterId?: string | null
  readonly iCalUId?: string | null
  readonly transactionId?: string | null
  readonly subject?: string | null
  readonly body?: { readonly contentType?: string; readonly content?: string } | null
  readonly location?: { readonly displayName?: string | null } | null
  readonly start?: GraphTime
  readonly end?: GraphTime
  readonly isAllDay?: boolean
  readonly isCancelled?: boolean
  readonly showAs?: string
  readonly responseStatus?: { readonly response?: string } | null
  readonly recurrence?: object | null
  readonly singleValueExtendedProperties?: readonly { readonly id: string; readonly value: string }[]
}

/** Properties of our own entries. Exchange keeps them with the event, and shows them to nobody. */
const ownSet = "String {7c1e6f0a-9d52-4a3b-8f57-2b6b1f6f3d10} Name"
export const bookingProperty = `${ownSet} SlotBaseBookingId`
/** The description as it was sent: Exchange makes HTML of it, and other line breaks. */
export const descriptionProperty = `${ownSet} SlotBaseDescription`

/** The booking of an entry; undefined: it is no entry of ours, or its properties were not asked for. */
export const bookingOf = (event: GraphEvent): string | undefined => propertyOf(event, bookingProperty)?.toLowerCase()

export const outlookText = (event: GraphEvent): string => textOf(linesOf(event, uidOf(event)))

/** A series of the occurrences in the wanted time; undefined: there are none. */
export function seriesText(master: GraphEvent, occurrences: readonly GraphEvent[]): string | undefined {
  const uid = uidOf(master)
  const known = occurrences.map((each) => ({ ...withoutUndefined(master), ...each, recurrence: null }))
  const [first, ...others] = known
  if (first === undefined) return undefined
  return textOf([
    ...linesOf(first, uid),
    ...others.flatMap((each) => linesOf(each, uid, [timeLine("RECURRENCE-ID", each.start, false)])),
  ])
}

const textOf = (lines: readonly string[]) =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//SlotBase//SlotBase//EN", ...lines, "END:VCALENDAR", ""].join("\r\n")

const linesOf = (event: GraphEvent, uid: string, more: readonly string[] = []): string[] => [
  "BEGIN:VEVENT",
  `UID:${oneLineOf(uid)}`,
  ...more,
  timeLine("DTSTART", event.start, event.isAllDay),
  timeLine("DTEND", event.end, event.isAllDay),
  `SUMMARY:${escaped(event.subject ?? "")}`,
  `DESCRIPTION:${escaped(descriptionOf(event))}`,
  `LOCATION:${escaped(event.location?.displayName ?? "")}`,
  `TRANSP:${makesNobodyBusy(event) ? "TRANSPARENT" : "OPAQUE"}`,
  "END:VEVENT",
]

/** A whole day is a day of the facility, wherever it was written. */
function timeLine(name: string, time: GraphTime | undefined, isAllDay: boolean | undefined): string {
  const text = time?.dateTime ?? ""
  const stamp = oneLineOf(text.slice(0, 19).replace(/[-:]/g, ""))
  return isAllDay ? `${name};VALUE=DATE:${stamp.slice(0, 8)}` : `${name}:${stamp}Z`
}

/** What its owner declined, or is at work elsewhere for, makes nobody busy. */
const makesNobodyBusy = ({ showAs, isCancelled, responseStatus }: GraphEvent) =>
  showAs === "free" || showAs === "workingElsewhere" || isCancelled || responseStatus?.response === "declined"

/** Our own words, while what Exchange made of them says the same. */
function descriptionOf(event: GraphEvent): string {
  const shown = event.body?.content ?? ""
  const sent = propertyOf(event, descriptionProperty)
  return sent !== undefined && words(sent) === words(shown) ? sent : shown
}

const words = (text: string) => text.replaceAll(/\s+/g, " ").trim()

const propertyOf = ({ singleValueExtendedProperties = [] }: GraphEvent, id: string) =>
  singleValueExtendedProperties.find((each) => each.id.toLowerCase() === id.toLowerCase())?.value

const uidOf = (event: GraphEvent) => bookingOf(event) ?? uidInGlobalId(event.iCalUId ?? event.id)

/** Exchange packs the uid of an invitation into an id of its own (MS-OXCICAL, 2.1.3.1.1.20.26). */
function uidInGlobalId(text: string): string {
  if (!/^040000008200E00074C5B7101A82E008[0-9a-f]+$/i.test(text)) return text
  const bytes = Buffer.from(text, "hex")
  const at = bytes.indexOf("vCal-Uid")
  return at < 0
    ? text
    : bytes
        .subarray(at + 12)
        .toString("utf8")
        .replace(/\0.*$/s, "")
}

const withoutUndefined = (event: GraphEvent) =>
  Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined)) as unknown as GraphEvent
const oneLineOf = (text: string) => text.replaceAll(/[\r\n]/g, " ")
const escaped = (text: string) => text.replaceAll(/[\\;,]/g, (sign) => `\\${sign}`).replaceAll(/\r?\n|\r/g, "\\n")
