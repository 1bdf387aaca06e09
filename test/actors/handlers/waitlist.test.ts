// WaitlistHandler and the job waitlist-offers: the slots that they offer, and the cases with nothing to do.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { waitlistHandler } from "#actors/handlers/waitlist.ts"
import { waitlistOffers } from "#actors/jobs/waitlist-offers.ts"
import { setEventContext } from "#events/outbox.ts"
import { testContext } from "#test/harness/club/club.ts"
import { makeWaitlist, type Waitlist } from "#test/harness/club/waitlist.ts"

let list: Waitlist
beforeAll(async () => {
  list = await makeWaitlist()
})
afterAll(() => list.api.database.drop())

async function handle(bookingId: string) {
  const [event] = await list.db<HandledEvent[]>`
    select e.*, 0 as position from slotbase.events e where aggregate_id = ${bookingId} and type = 'booking.cancelled'`
  return list.db.begin((tx) => {
    setEventContext(tx, { ...testContext, causationId: (event as HandledEvent).id })
    return waitlistHandler().handle(tx, event as HandledEvent)
  })
}
const statusOf = async (id: string) => (await list.entry(id)).status
/** Free without anybody noticing: its booking's occupancy is gone. */
const lose = (bookingId: string) => list.db`delete from slotbase.occupancies where booking_id = ${bookingId}`

test("a slot that the cancellation has offered is skipped; one freed beside it is offered once, caused by the event", async () => {
  const booking = await list.taken(48)
  const first = await list.waiting(list.ana, 48)
  await list.cancel(booking)
  expect(await handle(booking)).toEqual({ skipped: "nobody waits for its time, or the next in line has an offer" })
  const second = await list.waiting(list.ben, 48)
  expect(await handle(booking)).toEqual({ skipped: "its time is taken again, or nobody that waits may book it" })
  const { offer } = await list.entry(first)
  await list.db`update slotbase.bookings set status = 'released' where id = ${offer.bookingId}`
  await lose(offer.bookingId)
  expect(await handle(booking)).toBeUndefined()
  expect(await Promise.all([first, second].map(statusOf))).toEqual(["declined", "offered"])
  const [event] = await list.db<{ type: string; causation_id: string }[]>`
    select type, causation_id from slotbase.events where aggregate_id = ${second} and type = 'waitlist.offered'`
  const [cause] = await list.db`
    select id from slotbase.events where aggregate_id = ${booking} and type = 'booking.cancelled'`
  expect(event?.causation_id).toBe(cause?.id)
  expect(await handle(booking)).toEqual({ skipped: "nobody waits for its time, or the next in line has an offer" })
})

test("the job offers slots that became free otherwise, and ends the entries whose time has begun", async () => {
  const booking = await list.taken(60)
  const other = await list.taken(62)
  const offered = await list.waiting(list.ana, 60)
  const late = await list.waiting(list.ben, 62)
  const job = waitlistOffers(list.api.app)
  const signal = new AbortController().signal
  expect(await job.pass(signal)).toEqual({ more: false, did: { ended: 0, offered: 0 } })
  await list.db`update slotbase.bookings set status = 'completed' where id = ${booking}`
  await lose(booking)
  expect(await job.pass(signal)).toEqual({ more: false, did: { ended: 0, offered: 1 } })
  expect(await statusOf(offered)).toBe("offered")
  await list.pass(62 * 60)
  await list.pass(24 * 60)
  try {
    expect(await statusOf(late)).toBe("expired")
    expect(await job.passIn?.(list.its.facilityId, signal)).toMatchObject({ did: { ended: 1 } })
    const [event] = await list.db<{ data: Record<string, unknown> }[]>`
      select data from slotbase.events where aggregate_id = ${late} and type = 'waitlist.expired'`
    expect(event?.data).toMatchObject({ entryId: late, reason: "time_came", resourceId: list.its.court })
    expect(other).toBeString()
  } finally {
    await list.db`update slotbase.clock set shift = '0'`
  }
})
