/**
 * What a format makes, before anything is sent: for a preview, and to refuse a bad template when it is saved. A
 * template is tried with the sample of each type that the webhook wants.
 */
import type { Queryable } from "#base/database/db.ts"
import { type Fault, InvalidInput, NotFound } from "#base/errors.ts"
import { faultSentence } from "#base/liquid-fault.ts"
import { type EventType, facilityWebhookEvents } from "#events/catalogue.ts"
import { samplesEvent } from "#events/describe.ts"
import type { DomainEvent } from "#events/envelope.ts"
import { type BodyFacility, type BodyFormat, BodyNotMade, type MadeBody } from "./format.ts"
import { type FormatInput, formatOf } from "./input.ts"
import { makeBody } from "./make-body.ts"

/**
 * Refuses a template that does not parse, or fails at a sample. Other formats cannot fail. Call it outside of a
 * transaction: a hostile template takes a second.
 * @param events types, or patterns such as `booking.*`
 * @throws InvalidInput with line and column
 */
export async function checkFormat(
  db: Queryable,
  facilityId: string,
  given: FormatInput,
  events: readonly string[],
  old?: BodyFormat,
): Promise<void> {
  const wanted = formatOf(given, old)
  if (wanted.format !== "template") return
  const facility = await bodyFacility(db, facilityId)
  for (const type of wantedTypes(events)) {
    const sample = sampleEvent(type, facilityId)
    try {
      await makeBody(JSON.stringify(sample), wanted, facility)
    } catch (error) {
      throw error instanceof BodyNotMade ? refusalOfTemplate(error, type) : error
    }
  }
}

/** The same for a change of a webhook. Nothing is tried when neither its format nor its events change. */
export async function checkChangedFormat(
  db: Queryable,
  facilityId: string,
  webhookId: string,
  patch: FormatInput & { readonly events?: readonly string[] },
): Promise<void> {
  const { format, template, contentType, events } = patch
  if ([format, template, contentType, events].every((field) => field === undefined)) return
  const [old] = await db<(BodyFormat & { readonly events: readonly string[] })[]>`
    select format, template, content_type, events from slotbase.webhooks
    where id = ${webhookId} and facility_id = ${facilityId} and deleted_at is null`
  if (!old) throw new NotFound("webhook", webhookId)
  await checkFormat(db, facilityId, patch, events ?? old.events, old)
}

/** A template fails at most types for the same reason: the first failure is enough. */
function refusalOfTemplate({ fault }: BodyNotMade, type: string): InvalidInput {
  const whole: Fault = { path: "body.template", message: `${faultSentence(fault)} Tried with ${type}.` }
  return new InvalidInput([whole])
}

/** The body of a sample or of a stored event. @throws InvalidInput, NotFound */
export async function previewBody(
  db: Queryable,
  facilityId: string,
  given: FormatInput & { readonly type?: EventType; readonly eventId?: string },
): Promise<MadeBody> {
  const wanted = formatOf(given)
  if (given.type !== undefined && given.eventId !== undefined)
    throw new InvalidInput([{ path: "body.type", message: "Not used with an eventId" }])
  const facility = await bodyFacility(db, facilityId)
  const { type, text } =
    given.eventId === undefined
      ? sampleText(given.type ?? "booking.confirmed", facilityId)
      : await storedText(db, facilityId, given.eventId)
  try {
    return await makeBody(text, wanted, facility)
  } catch (error) {
    throw error instanceof BodyNotMade ? refusalOfTemplate(error, type) : error
  }
}

interface EventText {
  readonly type: string
  readonly text: string
}

const sampleText = (type: EventType, facilityId: string): EventText => ({
  type,
  text: JSON.stringify(sampleEvent(type, facilityId)),
})

async function storedText(db: Queryable, facilityId: string, eventId: string): Promise<EventText> {
  const [row] = await db<EventText[]>`
    select e.type, slotbase.event_body(e) as text from slotbase.events e
    where e.id = ${eventId} and e.facility_id = ${facilityId}`
  if (!row) throw new NotFound("event", eventId)
  return row
}

/** The catalogue's sample, as an event of this facility. */
export const sampleEvent = (type: EventType, facilityId: string): DomainEvent => ({
  ...samplesEvent(type),
  facilityId,
})

export async function bodyFacility(db: Queryable, facilityId: string): Promise<BodyFacility> {
  const [row] = await db<BodyFacility[]>`
    select id, name, timezone from slotbase.facilities where id = ${facilityId}`
  if (!row) throw new NotFound("facility", facilityId)
  return row
}

/** The types of a webhook's events; a pattern ends in `*`. */
export const wantedTypes = (events: readonly string[]): readonly EventType[] =>
  facilityWebhookEvents.filter((type) => events.some((wanted) => isWanted(wanted, type)))

const isWanted = (wanted: string, type: string) =>
  wanted.endsWith("*") ? type.startsWith(wanted.slice(0, -1)) : wanted === type
