/**
 * Availability: the slots of a local day. The cache answers where it may be used; otherwise the day is built. A slot
 * that is committed as taken is never shown as free. The answer's position says up to where in the log the answer is
 * true. The position is also the ETag.
 */
import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { Day, Id, Text, Timezone } from "#base/schema/fact-fields.ts"
import { type BuiltDay, buildDays, type DayRequest, facilityPosition, outboxHolds } from "./build.ts"
import { readCached, storeDays } from "./cache.ts"
import { Slot } from "./slots.ts"

export const Availability = Schema.Struct({
  date: Day,
  timezone: Timezone,
  position: Text.annotate({
    description: "position in the event log up to which the answer is true; continue a feed from here",
  }),
  resources: Schema.Array(Schema.Struct({ resourceId: Id, name: Text, slots: Schema.Array(Slot) })),
  slots: Schema.optionalKey(Schema.Array(Slot)).annotateKey({
    description: "the slots of the resource, when the request names one",
  }),
}).annotate({ identifier: "Availability" })
export type Availability = typeof Availability.Type

/**
 * The slots of a local day of the facility, of one resource or of all active ones.
 * @throws NotFound
 */
export async function availabilityOf(db: Db, member: Member, date: string, resourceId?: string): Promise<Availability> {
  const { facilityId } = member
  if (resourceId !== undefined && !isId(resourceId)) throw new NotFound("resource", resourceId)
  const request: DayRequest = { facilityId, date, resourceId }
  const days = (await readCached(db, request)) ?? (await buildAndStore(db, request))
  const [first] = days
  if (!first) return noDays(db, request)
  const resources = days.map((day) => ({ resourceId: day.resourceId, name: day.resourceName, slots: day.slots }))
  const answer = { date, timezone: first.timezone, position: String(first.position), resources }
  return resourceId === undefined ? answer : { ...answer, slots: first.slots }
}

/** Whether an answer of this position would still be the same: no change of the facility, and no hold expired since. */
export async function isUnchanged(db: Queryable, member: Member, position: string): Promise<boolean> {
  const { facilityId } = member
  const [row] = await db<{ unchanged: boolean }[]>`
    select ${facilityPosition(db)}::text = ${position} and not ${outboxHolds(db)}
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

async function buildAndStore(db: Db, request: DayRequest): Promise<readonly BuiltDay[]> {
  const days = await buildDays(db, [request])
  await storeDays(db, days)
  return days
}

/** A facility without active resources answers an empty day. */
async function noDays(db: Db, { facilityId, resourceId, date }: DayRequest): Promise<Availability> {
  if (resourceId !== undefined) throw new NotFound("resource", resourceId)
  const [row] = await db<{ timezone: string; position: number }[]>`
    select f.timezone, ${facilityPosition(db)} as position from slotbase.facilities f where f.id = ${facilityId}`
  if (!row) throw new NotFound("facility", facilityId)
  return { date, timezone: row.timezone, position: String(row.position), resources: [] }
}
