/**
 * The calendar invitation of a booking's mail (RFC 5545 and 5546). It puts the time into the reader's own calendar, and
 * later mails move it and take it out again. The UID is the booking's id. The SEQUENCE is the time of the event in
 * seconds, so a later change always has a higher one. Times are UTC: no reader has to know the zone.
 * The text is kept without addresses and in long lines; `finishedInvitation` completes it when the mail leaves.
 */
import { icalEventLines, timesInUtc } from "#base/icalendar/event.ts"
import { foldedLine, icalQuoted, producerLine } from "#base/icalendar/lines.ts"
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
    producerLine,
    `METHOD:${method}`,
    ...icalEventLines({
      uid: bookingId,
      changedAt: occurredAt,
      times: timesInUtc(new Date(startAt), new Date(endAt)),
      summary: oneLine(where),
      location: oneLine(where),
      description: oneLine(summary),
      status: method === "CANCEL" ? "CANCELLED" : "CONFIRMED",
      more: [
        `ORGANIZER;CN=${icalQuoted(oneLine(place.facility.name))}:${organizerPlace}`,
        `ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE:${attendeePlace}`,
      ],
    }),
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
    .map(foldedLine)
    .join("\r\n")
}

/** Addresses that lead nowhere (RFC 2606, section 2). */
const organizerPlace = "mailto:organizer@slotbase.invalid"
const attendeePlace = "mailto:attendee@slotbase.invalid"

interface Facts {
  readonly bookingId: string
  readonly startAt: string
  readonly endAt: string
  readonly status?: string
}
