/** What a message is about, for programs: where a tap leads, what replaces it, how long it is worth something. */

interface AboutEvent {
  readonly id: string
  readonly facility_id: string
  readonly data: object
}

/** Ids and instants of an event. Names, notes and money stay out: the words have what the reader should see of them. */
const fields = [
  "bookingId",
  "recurringBookingId",
  "entryId",
  "blockId",
  "sessionId",
  "feedbackId",
  "transactionId",
  "resourceId",
  "webhookId",
  "startAt",
  "endAt",
  "expiresAt",
] as const

/** @param about the child whose parent reads it; null: the reader */
export function messageDataOf(
  { id, facility_id, data }: AboutEvent,
  about: string | null = null,
): Readonly<Record<string, string>> {
  const given = data as Readonly<Record<string, unknown>>
  return {
    eventId: id,
    facilityId: facility_id,
    ...(about !== null && { aboutUserId: about }),
    ...Object.fromEntries(
      fields.flatMap((field) => (typeof given[field] === "string" ? [[field, given[field] as string]] : [])),
    ),
  }
}
