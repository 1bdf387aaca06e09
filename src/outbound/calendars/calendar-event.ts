/** The entry of a booking in a calendar, and what it means. Pure. */
import { createHash } from "node:crypto"

export interface CalendarEvent {
  /** The booking's id. The invitation of its mail has the same uid, so both are one event to a calendar. */
  readonly uid: string
  /** Instants. */
  readonly startAt: string
  readonly endAt: string
  readonly title: string
  readonly description: string
  readonly location: string
  /** When the booking last changed. */
  readonly changedAt: string
}

/** What people see of an entry. Two texts of one event that differ only in their writing have one meaning. */
export type Meaning = Pick<CalendarEvent, "startAt" | "endAt" | "title" | "description" | "location">

/** SHA-256 in hexadecimal digits. Servers trim texts and change the ends of lines, so neither counts. */
export const meaningOf = ({ startAt, endAt, title, description, location }: Meaning): string =>
  createHash("sha256")
    .update(
      JSON.stringify([
        new Date(startAt).toISOString(),
        new Date(endAt).toISOString(),
        ...[title, description, location].map((text) => text.replaceAll("\r\n", "\n").trim()),
      ]),
    )
    .digest("hex")
