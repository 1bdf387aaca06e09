/**
 * What strikes standing bookings: closures, opening hours, and resources out of use. The transaction that changes one
 * of them judges the bookings concerned anew, and tells their bookers.
 */
import * as Schema from "effect/Schema"
import type { Caller } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type Judged, StruckBookings } from "#domain/booking/struck/answer.ts"
import { judgeAgain } from "#domain/booking/struck/judge.ts"
import { tellStruck } from "#domain/booking/struck/tell.ts"
import { changeSettings, Facility, type SettingsInput } from "#domain/club/facilities.ts"
import { changeResource, Resource, type ResourceChange } from "#domain/club/resources.ts"
import { tellStruckBlocks } from "#domain/coaching/blocks/struck.ts"

const struckBookings = Schema.optionalKey(StruckBookings).annotateKey({
  description: "when the change strikes any",
})
export const ChangedFacility = Schema.Struct({ ...Facility.fields, struckBookings })
export const ChangedResource = Schema.Struct({ ...Resource.fields, struckBookings })

/** People told in the request itself. The job hold-expiration tells the others. */
const toldAtOnce = 100

/**
 * Judges the bookings anew and tells the bookers of those that are struck. Records booking.struck, and
 * coach.block.struck for blocks.
 */
export async function strikeWithin(tx: Tx, judged: Judged): Promise<StruckBookings> {
  const struck = await judgeAgain(tx, judged)
  await tellStruck(tx, toldAtOnce, judged.facilityId)
  await tellStruckBlocks(tx, toldAtOnce, judged.facilityId)
  return struck
}

/** The errors and events of `changeSettings`, and those of `strikeWithin` for opening hours and a time zone. */
export async function changeSettingsAndStrike(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  input: typeof SettingsInput.Type,
): Promise<typeof ChangedFacility.Type> {
  const facility = await changeSettings(tx, caller, facilityId, input)
  if (input.openingHours === undefined && input.timezone === undefined) return facility
  return withStruck(facility, await strikeWithin(tx, { facilityId }))
}

/** The errors and events of `changeResource`, and those of `strikeWithin` for a resource in or out of use. */
export async function changeResourceAndStrike(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  id: string,
  input: typeof ResourceChange.Type,
): Promise<typeof ChangedResource.Type> {
  const resource = await changeResource(tx, caller, facilityId, id, input)
  if (input.isActive === undefined) return resource
  return withStruck(resource, await strikeWithin(tx, { facilityId, resourceIds: [resource.id] }))
}

const withStruck = <T extends object>(changed: T, struckBookings: StruckBookings) =>
  struckBookings.count === 0 ? changed : { ...changed, struckBookings }
