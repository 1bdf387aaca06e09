// Long queues: nobody who may have a free slot waits behind people who may not, however many they are.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import fc from "fast-check"
import { waitlistOffers } from "#actors/jobs/waitlist-offers.ts"
import { newId } from "#base/ids.ts"
import { offerEverything } from "#domain/booking/waitlist/offers.ts"
import { run } from "#test/harness/club/club.ts"
import { hoursFrom } from "#test/harness/club/hours.ts"
import { makeWaitlist, type Waitlist } from "#test/harness/club/waitlist.ts"
import { holds, timeoutOf } from "#test/whole/properties/property.ts"

let list: Waitlist
/** Closed for good. */
let closedCourt: string
/** Has left the club. */
let leaver: string
/** May not book for a while. */
let restricted: string
let hour = 24
const signal = new AbortController().signal

beforeAll(async () => {
  list = await makeWaitlist()
  leaver = (await list.api.person()).id
  restricted = (await list.api.person("player", list.its.facilityId)).id
  const missed = await list.taken(20)
  await list.db`
    insert into slotbase.strike_ledger (id, facility_id, booking_id, user_id, points, fee_currency, restricted_until, reason, made_by)
    values (${newId()}, ${list.its.facilityId}, ${missed}, ${restricted}, 1, 'EUR', slotbase.now() + interval '300 days',
      'no show', ${list.ana.id})`
  const court = { name: "A closed court", resourceType: "court", hourlyPrice: 100 }
  closedCourt = (await list.api.call("POST", `${list.at}/resources`, { body: court })).body.id
  const closure = { ...hoursFrom(0, 24 * 300), resourceIds: [closedCourt], reason: "New floor" }
  expect((await list.api.call("POST", `${list.at}/closures`, { body: closure })).status).toBe(201)
})
afterAll(() => list.api.database.drop())
beforeEach(() => {
  hour += 48
})
afterEach(async () => {
  await list.db`update slotbase.waitlist_entries set status = 'left', ended_at = slotbase.now() where status = 'waiting'`
  await list.db`delete from slotbase.booking_policies`
})

interface Wish {
  readonly bookerId: string
  readonly at: number
  /** Null: any court. */
  readonly resourceId?: string | null
}

/** Wishes in the order of joining. Each is some minutes longer than the one before, so that all differ. */
async function queue(wishes: readonly Wish[]): Promise<string[]> {
  const rows = wishes.map(({ bookerId, at, resourceId = list.its.court }, i) => {
    const startAt = hoursFrom(at, 1).startAt
    const endAt = new Date(Date.parse(startAt) + (60 + i) * 60_000).toISOString()
    return { id: newId(), bookerId, resourceId, type: resourceId === null ? "court" : null, startAt, endAt, n: i }
  })
  await list.db`
    insert into slotbase.waitlist_entries (id, facility_id, booker_id, resource_id, resource_type, start_at, end_at,
      booking_type, joined_by)
    select w.id, ${list.its.facilityId}, w."bookerId", w."resourceId", w.type, w."startAt", w."endAt", 'open_play', w."bookerId"
    from jsonb_to_recordset(${list.db.json(rows)})
      as w (id uuid, "bookerId" uuid, "resourceId" uuid, type text, "startAt" timestamptz, "endAt" timestamptz, n integer)
    order by w.n`
  return rows.map(({ id }) => id)
}

const many = <T>(count: number, each: T): T[] => Array.from({ length: count }, () => each)
const statusOf = async (id: string | undefined): Promise<string> => (await list.entry(id ?? "")).status
const job = () => waitlistOffers(list.api.app).pass(signal)
/** The lead time after which an hour can no longer be booked, and the next day can. */
const leadTime = (at: number) =>
  list.api.call("PUT", `${list.at}/booking-policy`, {
    body: {
      strikeThreshold: 1,
      restrictionDays: 300,
      leadTimeMinutes: Math.ceil((Date.parse(hoursFrom(at, 2).endAt) - Date.now()) / 60_000),
    },
  })

test("fifty wishes that the rules refuse, and one that they allow: it is offered at the first run of the job", async () => {
  expect((await leadTime(hour)).status).toBe(200)
  const ids = await queue([
    ...many(25, { bookerId: list.ana.id, at: hour }),
    ...many(25, { bookerId: list.ana.id, at: hour + 24, resourceId: closedCourt }),
    { bookerId: list.ben.id, at: hour + 24 },
  ])
  expect(await job()).toMatchObject({ more: false, did: { offered: 1 } })
  expect(await statusOf(ids.at(-1))).toBe("offered")
  expect(await statusOf(ids[0])).toBe("waiting")
})

test("the same in the transaction that frees the slot", async () => {
  const booking = await list.taken(hour)
  const ids = await queue([...many(60, { bookerId: leaver, at: hour }), { bookerId: list.ben.id, at: hour }])
  const cancelled = await list.cancel(booking)
  expect((await list.eventsOf(cancelled)).map(({ type }) => type)).toContain("waitlist.offered")
  expect(await statusOf(ids.at(-1))).toBe("offered")
})

test("a queue longer than the looks of one transaction is gone through in several, in the order of joining", async () => {
  const ids = await queue([
    ...many(450, { bookerId: leaver, at: hour }),
    { bookerId: list.ben.id, at: hour },
    { bookerId: list.cleo.id, at: hour },
  ])
  const one = () => run(list.db, (tx) => offerEverything(tx, list.its.facilityId))
  expect(await one()).toMatchObject({ offers: 0, next: { tried: [] } })
  expect(await job()).toMatchObject({ did: { offered: 1 } })
  expect(await Promise.all([450, 451].map((n) => statusOf(ids[n])))).toEqual(["offered", "waiting"])
})

test("a wish for any court is offered the one that is open, behind those that want the closed one", async () => {
  const ids = await queue([
    ...many(55, { bookerId: list.ana.id, at: hour, resourceId: closedCourt }),
    { bookerId: list.ben.id, at: hour, resourceId: null },
  ])
  await job()
  expect((await list.entry(ids.at(-1) ?? "")).offer).toMatchObject({ resourceId: list.its.court })
})

const kinds = ["may", "may", "left", "closed", "any", "soon", "restricted"] as const
const wish = fc.record({ kind: fc.constantFrom(...kinds), at: fc.nat(3) })
const queues = fc.array(wish, { minLength: 1, maxLength: 90 })
const withinMs = 4_000

test(
  "whoever waits after a run of the job may not be served, or the court is taken then",
  async () => {
    await holds(queues, inAnyQueue, { numRuns: 12, withinMs })
  },
  timeoutOf(withinMs),
)

async function inAnyQueue(wishes: readonly { readonly kind: (typeof kinds)[number]; readonly at: number }[]) {
  const { db, its } = list
  hour += 48
  await leadTime(hour)
  const first = hour + 24
  const asked = wishes.map(({ kind, at }): Wish => {
    if (kind === "soon") return { bookerId: list.ana.id, at: hour }
    const bookerId = { left: leaver, restricted }[kind as string] ?? list.ana.id
    const resourceId = { closed: closedCourt, any: null }[kind as string]
    return { bookerId, at: first + at * 2, ...(resourceId !== undefined && { resourceId }) }
  })
  const ids = await queue(asked)
  await job()
  const rows = await db<{ id: string; status: string; taken: boolean }[]>`
    select e.id, e.status, exists (
      select from slotbase.occupancies o
      where o.facility_id = e.facility_id and o.resource_id = ${its.court} and o.during && tstzrange(e.start_at, e.end_at)) as taken
    from slotbase.waitlist_entries e where e.id = any (${ids}::uuid[]) order by e.seq`
  const servable = (n: number) => ["may", "any"].includes(wishes[n]?.kind ?? "")
  const inVain = rows.filter(({ status, taken }, n) => servable(n) && status === "waiting" && !taken)
  const wrong = rows.filter(({ status }, n) => !servable(n) && status !== "waiting")
  await db`update slotbase.waitlist_entries set status = 'left', ended_at = slotbase.now() where status = 'waiting'`
  expect({ inVain: [...inVain], wrong: [...wrong] }).toEqual({ inVain: [], wrong: [] })
}
