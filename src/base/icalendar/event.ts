/** A VEVENT as SlotBase writes it, in invitations and in feeds. Pure. */
import { icalInstant, icalText, sequenceOf } from "./lines.ts"

export interface IcalEvent {
  readonly uid: string
  /** The last change that a calendar has to follow, such as a move; it makes the SEQUENCE. */
  readonly changedAt: Date
  /** Makes the DTSTAMP. Left out: `changedAt`. */
  readonly stampedAt?: Date
  /** The whole lines of DTSTART and DTEND, and of a series those of its rule. */
  readonly times: readonly string[]
  readonly summary: string
  readonly location: string
  readonly description?: string
  readonly status: "CONFIRMED" | "TENTATIVE" | "CANCELLED"
  /** Whole lines that follow. */
  readonly more?: readonly string[]
}

export const icalEventLines = (event: IcalEvent): string[] => [
  "BEGIN:VEVENT",
  `UID:${event.uid}`,
  `SEQUENCE:${sequenceOf(event.changedAt)}`,
  `DTSTAMP:${icalInstant(event.stampedAt ?? event.changedAt)}`,
  ...event.times,
  `SUMMARY:${icalText(event.summary)}`,
  `LOCATION:${icalText(event.location)}`,
  ...(event.description === undefined ? [] : [`DESCRIPTION:${icalText(event.description)}`]),
  `STATUS:${event.status}`,
  `TRANSP:${event.status === "CANCELLED" ? "TRANSPARENT" : "OPAQUE"}`,
  ...(event.more ?? []),
  "END:VEVENT",
]

/** Times in UTC: no reader has to know a zone. */
export const timesInUtc = (start: Date, end: Date): string[] => [
  `DTSTART:${icalInstant(start)}`,
  `DTEND:${icalInstant(end)}`,
]
