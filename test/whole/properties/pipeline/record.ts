// Commands that record events: by the program in one transaction, in a transaction that is rolled back, and from SQL.
// From SQL an event draws its number at the commit, its transaction stays open, and its data may break its Schema.

import { record, transact } from "#events/outbox.ts"
import { context, sample } from "#test/harness/pipeline/pipeline.ts"
import type { Consumer, Recorded, Type } from "./model.ts"
import { RolledBack, rolledBack } from "./rolled-back.ts"
import type { Facility, World } from "./world.ts"

export interface Planned {
  readonly type: Type
  /** The indexes of the facility's booking and court. */
  readonly booking: number
  readonly court: 0 | 1
  readonly bookingType: "open_play" | "lesson"
  readonly poisons: readonly Consumer[]
}

interface Made {
  readonly type: Type
  readonly data: Record<string, unknown>
  readonly resource: string | null
  readonly bookingType: string | null
}

export async function recordEvents(
  world: World,
  at: number,
  planned: readonly Planned[],
  commits: boolean,
): Promise<void> {
  const facility = facilityOf(world, at)
  const made = planned.map((each) => make(facility, each))
  const work = transact(world.db, context, async (tx) => {
    for (const { type, data } of made) record(tx, sample(type, data, facility.id))
    if (!commits) throw new RolledBack()
  })
  if (!commits) return rolledBack(work)
  const { eventIds } = await work
  for (const [nth, id] of eventIds.entries())
    world.model.pending.push(recorded(id, facility, made[nth] as Made, planned[nth] as Planned, { checked: true }))
}

/** A DBA at psql: records an event, and leaves the transaction open. */
export async function recordFromSql(world: World, at: number, planned: Planned, bad: boolean): Promise<void> {
  const facility = facilityOf(world, at)
  // With a booking of its own: no other command may wait for this transaction's locks.
  const made = make(facility, { ...planned, booking: -1 })
  const whole = sample(made.type, { ...made.data, ...(bad && { surprise: 1 }) }, facility.id).data as Made["data"]
  const drawn = Promise.withResolvers<string>()
  const ends = Promise.withResolvers<boolean>()
  const work = world.db.begin(async (tx) => {
    const [row] = await tx<[{ id: string }]>`
      select slotbase.record_event(${made.type}, ${facility.id}, ${tx.json(whole as never)}) as id`
    drawn.resolve(row.id)
    if (!(await ends.promise)) throw new RolledBack()
  })
  work.catch(drawn.reject)
  const event = recorded(await drawn.promise, facility, { ...made, data: whole }, planned, { committed: false, bad })
  const { pending } = world.model
  pending.push(event)
  world.open.push({
    async end(commit) {
      ends.resolve(commit)
      if (commit) await work
      else await rolledBack(work)
      // The position in the outbox is the order of the commit.
      pending.splice(pending.indexOf(event), 1)
      if (commit) pending.push(event)
      event.committed = commit
    },
  })
}

const facilityOf = (world: World, at: number) => world.setting.facilities[at] as Facility

function make(facility: Facility, { type, booking, court, bookingType }: Planned): Made {
  const resourceId = facility.courts[court]
  const bookingId = facility.bookings[booking] ?? crypto.randomUUID()
  const ofBooking = { bookingId, facilityId: facility.id }
  if (type === "booking.confirmed")
    return { type, data: { ...ofBooking, resourceId, bookingType }, resource: resourceId, bookingType }
  if (type === "booking.cancelled")
    return { type, data: { ...ofBooking, resourceId }, resource: resourceId, bookingType: null }
  const data = { transactionId: bookingId, facilityId: facility.id }
  return { type, data, resource: null, bookingType: null }
}

const recorded = (
  id: string,
  facility: Facility,
  made: Made,
  { poisons }: Planned,
  state: { committed?: boolean; checked?: boolean; bad?: boolean },
): Recorded => ({
  id,
  facility: facility.id,
  ...made,
  data: sample(made.type, made.data, facility.id).data as Recorded["data"],
  poisons: new Set(poisons),
  committed: state.committed ?? true,
  checked: state.checked ?? false,
  bad: state.bad ?? false,
})
