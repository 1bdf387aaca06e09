/**
 * Availability: the slots of a local day. The cache answers where it may be used; otherwise the day is built. A slot
 * that is committed as taken is never shown as free. The answer's position says up to where in the log the answer is
 * true. The position is also the ETag.
 */
import * as Schema from "effect/Schema"
import type { Db, Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { Day, Id, Text, Timezone } from "#base/schema/fact-fields.ts"
import { cursorOf, keyAfter, pageLimitOf } from "#base/schema/page.ts"
import type { SlotViewer } from "#domain/club/public-availability.ts"
import {
  type BuiltDay,
  buildDays,
  buildPage,
  type DayRequest,
  facilityPosition,
  outboxHolds,
  type ResourcePage,
} from "./build.ts"
import { readCached, storeDays } from "./cache.ts"
import { Slot } from "./slots.ts"

export const Availability = Schema.Struct({
  date: Day,
  timezone: Timezone,
  position: Text.annotate({
    description: "position in the event log up to which the answer is true; continue a feed from here",
  }),
  epoch: Text.annotate({ description: "the log of the position: another after a restore, when positions repeat" }),
  resources: Schema.Array(Schema.Struct({ resourceId: Id, name: Text, slots: Schema.Array(Slot) })),
  next: Schema.NullOr(Schema.String).annotateKey({
    description: "send it as `after` to go on with the resources that follow; null at the end",
  }),
  slots: Schema.optionalKey(Schema.Array(Slot)).annotateKey({
    description: "the slots of the resource, when the request names one",
  }),
}).annotate({ identifier: "Availability" })
export type Availability = typeof Availability.Type

/**
 * The slots of a local day of the facility: of one resource, or of a page of its active ones, by name.
 * @throws NotFound, InvalidInput
 */
export async function availabilityOf(
  db: Db,
  viewer: SlotViewer,
  { date, resourceId, ...query }: AvailabilityRequest,
): Promise<Availability> {
  const { facilityId } = viewer
  if (resourceId !== undefined && !isId(resourceId)) throw new NotFound("resource", resourceId)
  const request: DayRequest = { facilityId, date, resourceId }
  const page: ResourcePage = { limit: pageLimitOf(query), after: keyAfter(query, Schema.Tuple([Schema.String, Id])) }
  const { days, more } = (await readCached(db, request, page)) ?? (await buildAndStore(db, request, page))
  const [first, last] = [days[0], days.at(-1)]
  if (!first || !last) return noDays(db, request)
  const resources = days.map((day) => ({ resourceId: day.resourceId, name: day.resourceName, slots: day.slots }))
  const next = more ? cursorOf([last.resourceName, last.resourceId]) : null
  const { timezone, epoch } = first
  const answer = { date, timezone, position: String(first.position), epoch, resources, next }
  return resourceId === undefined ? answer : { ...answer, slots: first.slots }
}

export interface AvailabilityRequest {
  /** Local day, YYYY-MM-DD. */
  readonly date: string
  readonly resourceId?: string | undefined
  readonly limit?: string
  readonly after?: string
}

/**
 * Whether an answer of this place would still be the same: no change of the facility, and no hold expired since.
 * @param place `<position>-<epoch>`, or a position of this log
 */
export async function isUnchanged(db: Queryable, viewer: SlotViewer, place: string): Promise<boolean> {
  const { facilityId } = viewer
  const [row] = await db<{ unchanged: boolean }[]>`
    select ${place} in (${facilityPosition(db)}::text, ${facilityPosition(db)} || '-' || (select slotbase.log_epoch())) and not ${outboxHolds(db)}
           and not exists (select from slotbase.bookings b
                           where b.status = 'held' and b.hold_expires_at <= (select slotbase.now()) and b.facility_id = f.id) as unchanged
    from slotbase.facilities f where f.id = ${facilityId}`
  return row?.unchanged ?? false
}

/**
 * The present slots of resources on local days (YYYY-MM-DD), in one statement. Inactive resources, and resources and
 * days that do not exist, are left out.
 */
export const slotsOfMany = (
  db: Queryable,
  requests: readonly { readonly facilityId: string; readonly resourceId: string; readonly date: string }[],
): Promise<readonly BuiltDay[]> => (requests.length === 0 ? Promise.resolve([]) : buildDays(db, requests))

async function buildAndStore(db: Db, request: DayRequest, page: ResourcePage) {
  const built = await buildPage(db, request, page)
  await storeDays(db, built.days)
  return built
}

/** A facility without active resources answers an empty day. */
async function noDays(db: Db, { facilityId, resourceId, date }: DayRequest): Promise<Availability> {
  if (resourceId !== undefined) throw new NotFound("resource", resourceId)
  const [row] = await db<{ timezone: string; position: number; epoch: string }[]>`
    select f.timezone, ${facilityPosition(db)} as position, (select slotbase.log_epoch()) as epoch
    from slotbase.facilities f where f.id = ${facilityId}`
  if (!row) throw new NotFound("facility", facilityId)
  return { date, timezone: row.timezone, position: String(row.position), epoch: row.epoch, resources: [], next: null }
}
