/**
 * Frames of availability. A batch of events is coalesced. The slots of a resource on a local day are read and sent
 * once, as they are now, under the last event that changed them. Some changes concern every day: other hours of a whole
 * facility, a new resource. Their frames cover today, and a `resync` tells the clients to refetch other days.
 */

import { clock } from "#base/clock.ts"
import type { Queryable } from "#base/database/db.ts"
import { localDateOf, localDatesOf } from "#base/local-days.ts"
import { inSlices } from "#base/slices.ts"
import { slotsOfMany } from "#domain/booking/availability/availability.ts"
import { touchedBy } from "#domain/booking/buffers.ts"
import { channelName } from "./channels.ts"
import { type AvailabilityChange, availabilityChangesOf, type Frame, type LogRow, preparePayload } from "./frames.ts"
import { liveLimits } from "./limits.ts"

/** The changes of a batch, coalesced. */
export interface SlotChanges {
  readonly days: readonly ChangedDay[]
  /** Facilities and resources with more changes than frames of single days can show. */
  readonly refetch: readonly ChangedPlace[]
}

interface ChangedPlace {
  readonly facilityId: string
  readonly resourceId: string
  readonly position: number
  readonly eventId: string
}
interface ChangedDay extends ChangedPlace {
  readonly date: string
}

/** The changes in the events of some rows. */
export async function slotChangesOf(db: Queryable, rows: readonly LogRow[]): Promise<SlotChanges> {
  const resources = await resourcesOf(
    db,
    rows.filter((row) => availabilityChangesOf(row).some(concernsAll)),
  )
  const days = new Map<string, ChangedDay>()
  const refetch = new Map<string, ChangedPlace>()
  for (const [row, change] of rows.flatMap((row) =>
    availabilityChangesOf(row).map((change) => [row, change] as const),
  )) {
    const resourceIds = concernedOf(change, resources.get(row.facility_id) ?? [])
    const dates =
      "startAt" in change
        ? localDatesOf(
            row.timezone,
            touchedBy({ start: Date.parse(change.startAt), end: Date.parse(change.endAt) }, row.longest_buffer),
          )
        : [localDateOf(row.timezone, clock.now())]
    // An event is told whole, or as the advice to refetch.
    const isTooMuch = days.size + resourceIds.length * dates.length > liveLimits.daysPerBatch
    for (const resourceId of resourceIds) {
      const at = { facilityId: row.facility_id, resourceId, position: row.position, eventId: row.event_id }
      if (isTooMuch || !("startAt" in change)) refetch.set(resourceId, at)
      if (!isTooMuch) for (const date of dates) days.set(`${resourceId} ${date}`, { ...at, date })
    }
  }
  return { days: [...days.values()], refetch: [...refetch.values()] }
}

/**
 * Reads the present slots of the days. The frames of a day go to its facility's channel and to its resource's channel.
 */
export async function slotFramesOf(db: Queryable, { days, refetch }: SlotChanges): Promise<Frame[]> {
  const built = await slotsOfMany(db, days)
  const slots = new Map(built.map((day) => [`${day.resourceId} ${day.date}`, day.slots]))
  const changed = await inSlices(days, ({ facilityId, resourceId, date, position, eventId }) => {
    const payload = { resourceId, date, slots: slots.get(`${resourceId} ${date}`) ?? [] }
    preparePayload(payload)
    return channelsOf({ facilityId, resourceId }).map(
      (channel): Frame => ({ type: "availability.changed", channel, position, eventId, payload }),
    )
  })
  const resyncs = new Map<string, Frame>()
  for (const place of refetch) {
    for (const channel of channelsOf(place))
      resyncs.set(channel, { type: "resync", channel, position: place.position, eventId: place.eventId })
  }
  return [...changed.flat(), ...resyncs.values()]
}

/** The channels that carry a change of a resource. */
export const channelsOf = ({ facilityId, resourceId }: { facilityId: string; resourceId: string }): string[] => [
  channelName("facility:{facilityId}:availability", facilityId),
  channelName("resource:{resourceId}:availability", resourceId),
]

/** Whether a change concerns all resources of the facility: its hours, or a closure of the whole facility. */
export const concernsAll = (change: AvailabilityChange): boolean =>
  change.what === "facility" || (change.what === "closure" && change.resourceIds.length === 0)

/** The resources that a change concerns; `all` are those of its facility. */
export function concernedOf(change: AvailabilityChange, all: readonly string[]): readonly string[] {
  switch (change.what) {
    case "facility":
      return all
    case "closure":
      return change.resourceIds.length === 0 ? all : change.resourceIds
    default:
      return [change.resourceId]
  }
}

async function resourcesOf(db: Queryable, rows: readonly LogRow[]): Promise<Map<string, string[]>> {
  if (rows.length === 0) return new Map()
  const found = await db<{ id: string; facility_id: string }[]>`
    select id, facility_id from slotbase.resources
    where facility_id = any (${rows.map((row) => row.facility_id)}) and is_active order by name, id`
  const resources = new Map<string, string[]>()
  for (const { id, facility_id } of found) resources.set(facility_id, [...(resources.get(facility_id) ?? []), id])
  return resources
}
