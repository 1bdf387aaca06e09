// Holds: created, confirmed, released, and above all expired, which depends on the clock alone.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { confirmBooking } from "#domain/booking/confirm.ts"
import { expireHolds, releaseHold } from "#domain/booking/holds.ts"
import { getBooking, listBookings } from "#domain/booking/list.ts"
import { maxLiveHolds } from "#domain/booking/rules.ts"
import { createBooking, createHold } from "#test/harness/club/ask.ts"
import { aClub, aMember, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
let hour = 0

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await aClub(database.db)
  hour = 24
})

const db = () => database.db
const exec = <T>(command: (tx: Tx) => Promise<T>) => run(db(), command)
const slot = () => ({ resourceId: club.court, ...atHour(hour) })
const hold = (caller = club.player.caller) => exec((tx) => createHold(tx, caller, club.id, slot()))
const book = () =>
  exec((tx) =>
    createBooking(tx, club.staff.caller, club.id, { ...slot(), bookerId: club.friend.id, paymentMethod: "offline" }),
  )
const confirm = (id: string) =>
  exec((tx) => confirmBooking(tx, requireMember(club.staff.caller, club.id), id, { paymentMethod: "offline" }))
const pass = (minutes: number) => db()`select slotbase.move_clock(make_interval(mins => ${minutes}))`
const eventsOf = async (bookingId: string) =>
  (
    await db()<{ type: string; data: Record<string, unknown> }[]>`
      select type, data from slotbase.events where aggregate_id = ${bookingId} order by id`
  ).map(({ type, data }) => ({ type, data }))
const rowsOf = async (bookingId: string) => {
  const [row] = await db()<[{ status: string; occupies: boolean }]>`
    select status, exists (select from slotbase.occupancies where booking_id = id) as occupies
    from slotbase.bookings where id = ${bookingId}`
  return { ...row }
}

test("a hold lasts as long as its facility says, and announces every field", async () => {
  await db()`update slotbase.facilities set hold_minutes = 7 where id = ${club.id}`
  const held = await hold()
  expect(held).toMatchObject({
    status: "held",
    bookerId: club.player.id,
    paymentMethod: null,
    priceAmount: 2400,
    priceCurrency: "EUR",
  })
  expect(Date.parse(held.expiresAt as string) - Date.parse(held.createdAt)).toBe(7 * 60_000)
  expect(await eventsOf(held.id)).toEqual([
    {
      type: "booking.hold.created",
      data: {
        holdId: held.holdId,
        bookingId: held.id,
        facilityId: club.id,
        resourceId: club.court,
        userId: club.player.id,
        ...atHour(hour),
        expiresAt: held.expiresAt,
        priceAmount: 2400,
        priceCurrency: "EUR",
      },
    },
  ])
  expect(await failure(book())).toMatchObject({ _tag: "SlotTaken", conflicts: [{ ...atHour(hour), status: "held" }] })
})

test("confirmed: the same booking, with all that booking.confirmed says", async () => {
  const input = { ...slot(), participants: [{ userId: club.friend.id, role: "guest" }] }
  const held = await exec((tx) => createHold(tx, club.player.caller, club.id, input))
  const booking = await confirm(held.id)
  expect(booking).toMatchObject({
    id: held.id,
    holdId: held.holdId,
    status: "confirmed",
    paymentMethod: "offline",
    expiresAt: null,
  })
  expect((await eventsOf(held.id)).at(-1)).toEqual({
    type: "booking.confirmed",
    data: {
      bookingId: held.id,
      facilityId: club.id,
      resourceId: club.court,
      resourceName: "Court 1",
      bookerId: club.player.id,
      bookerName: "Mia Keller",
      bookerEmail: `${club.player.id}@example.com`,
      participants: [{ userId: club.friend.id, name: "Mia Keller", role: "guest" }],
      ...atHour(hour),
      timezone: "UTC",
      bookingType: "open_play",
      priceAmount: 2400,
      priceCurrency: "EUR",
      paymentMethod: "offline",
      isRecurring: false,
    },
  })
  expect(await failure(confirm(held.id))).toMatchObject({ _tag: "WrongState", code: "booking_not_held" })
})

test("released: the slot is free at once", async () => {
  const held = await hold()
  const released = await exec((tx) => releaseHold(tx, requireMember(club.player.caller, club.id), held.id))
  expect(released.status).toBe("released")
  expect((await eventsOf(held.id)).at(-1)).toEqual({
    type: "booking.hold.released",
    data: {
      bookingId: held.id,
      holdId: held.holdId,
      facilityId: club.id,
      resourceId: club.court,
      userId: club.player.id,
      ...atHour(hour),
      reason: "released",
      releasedAt: released.updatedAt,
    },
  })
  expect((await hold(club.friend.caller)).status).toBe("held")
})

test("a hold is visible to its holder and to staff, and a 404 to another member", async () => {
  const held = await hold()
  const others = exec((tx) => releaseHold(tx, requireMember(club.friend.caller, club.id), held.id))
  expect(await failure(others)).toMatchObject({ _tag: "NotFound" })
  expect(await rowsOf(held.id)).toEqual({ status: "held", occupies: true })
  expect((await exec((tx) => releaseHold(tx, requireMember(club.staff.caller, club.id), held.id))).status).toBe(
    "released",
  )
})

test("a member holds a slot and cannot confirm it without staff", async () => {
  const held = await hold()
  const offline = exec((tx) =>
    confirmBooking(tx, requireMember(club.player.caller, club.id), held.id, { paymentMethod: "offline" }),
  )
  expect(await failure(offline)).toMatchObject({ _tag: "NotAllowed" })
  const online = exec((tx) =>
    confirmBooking(tx, requireMember(club.player.caller, club.id), held.id, { paymentMethod: "online" }),
  )
  expect(await failure(online)).toMatchObject({ _tag: "WrongState", code: "booking_not_paid" })
  expect(await rowsOf(held.id)).toEqual({ status: "held", occupies: true })
})

describe("an expired hold", () => {
  test("reads as expired, and can be neither confirmed nor released", async () => {
    const held = await hold()
    await pass(5)
    expect((await getBooking(db(), requireMember(club.player.caller, club.id), held.id)).status).toBe("expired")
    expect((await listBookings(db(), requireMember(club.player.caller, club.id), { status: "held" })).data).toEqual([])
    expect(
      (await listBookings(db(), requireMember(club.player.caller, club.id), { status: "expired" })).data,
    ).toHaveLength(1)
    expect(await failure(confirm(held.id))).toMatchObject({
      _tag: "WrongState",
      code: "hold_expired",
      message: `The hold expired at ${held.expiresAt}; it can no longer be confirmed. Hold or book the slot again.`,
    })
    const release = exec((tx) => releaseHold(tx, requireMember(club.player.caller, club.id), held.id))
    expect(await failure(release)).toMatchObject({ _tag: "WrongState", code: "hold_expired" })
    expect(await eventsOf(held.id)).toHaveLength(1)
  })

  test("is released, with its event, in the transaction of the next booking of its slot", async () => {
    const held = await hold()
    await pass(5)
    const booking = await book()
    expect(await rowsOf(held.id)).toEqual({ status: "expired", occupies: false })
    expect(await rowsOf(booking.id)).toEqual({ status: "confirmed", occupies: true })
    expect((await eventsOf(held.id)).at(-1)).toMatchObject({
      type: "booking.hold.released",
      data: { bookingId: held.id, holdId: held.holdId, userId: club.player.id, reason: "expired" },
    })
  })

  test("stays beside a live conflicting booking, because a losing request changes nothing", async () => {
    const held = await hold()
    await pass(5)
    hour++
    await book()
    const both = {
      ...slot(),
      startAt: atHour(hour - 1).startAt,
      bookerId: club.friend.id,
      paymentMethod: "offline" as const,
    }
    const error = await failure(exec((tx) => createBooking(tx, club.staff.caller, club.id, both)))
    expect(error).toMatchObject({ _tag: "SlotTaken", conflicts: [{ ...atHour(hour), status: "confirmed" }] })
    expect(await rowsOf(held.id)).toEqual({ status: "held", occupies: true })
    expect(await eventsOf(held.id)).toHaveLength(1)
  })

  test("is released with all other expired ones in the way, by one booking", async () => {
    const first = await hold()
    hour++
    const second = await hold()
    await pass(5)
    const both = {
      ...slot(),
      startAt: atHour(hour - 1).startAt,
      bookerId: club.friend.id,
      paymentMethod: "offline" as const,
    }
    expect((await exec((tx) => createBooking(tx, club.staff.caller, club.id, both))).priceAmount).toBe(4800)
    for (const { id } of [first, second]) expect(await rowsOf(id)).toEqual({ status: "expired", occupies: false })
  })

  test("is released by the job, oldest first and in batches, once", async () => {
    await exec((tx) => expireHolds(tx, 1000))
    const ids: string[] = []
    for (; hour < 27; hour++) ids.push((await hold()).id)
    const alive = await exec((tx) => createHold(tx, club.friend.caller, club.id, { ...slot(), ...atHour(40) }))
    await db()`update slotbase.bookings set hold_expires_at = hold_expires_at + interval '1 hour' where id = ${alive.id}`
    await pass(5)
    expect(await exec((tx) => expireHolds(tx, 2))).toBe(2)
    expect(await rowsOf(ids[2] as string)).toEqual({ status: "held", occupies: true })
    expect(await exec((tx) => expireHolds(tx, 2))).toBe(1)
    expect(await exec((tx) => expireHolds(tx, 2))).toBe(0)
    for (const id of ids) {
      expect(await rowsOf(id)).toEqual({ status: "expired", occupies: false })
      expect((await eventsOf(id)).map(({ type }) => type)).toEqual(["booking.hold.created", "booking.hold.released"])
    }
    expect(await rowsOf(alive.id)).toEqual({ status: "held", occupies: true })
  })
})

test("confirming races with expiry and with another booking: the slot always belongs to exactly one", async () => {
  const outcomes = { confirmed: 0, taken: 0 }
  for (let round = 0; round < 20; round++) {
    hour++
    const held = await hold()
    // Half of the rounds race just before the hold expires, half just after.
    const left = round % 2 === 0 ? "3 milliseconds" : "0 milliseconds"
    await db()`update slotbase.bookings set hold_expires_at = slotbase.now() + ${left}::interval where id = ${held.id}`
    const [confirmed, taken] = await Promise.all([
      confirm(held.id).then(
        () => "won",
        (error) => error._tag,
      ),
      book().then(
        () => "won",
        (error) => error._tag,
      ),
      exec((tx) => expireHolds(tx, 10)),
    ])
    const owners = await db()<{ status: string; id: string }[]>`
      select b.status, b.id from slotbase.bookings b join slotbase.occupancies o on o.booking_id = b.id
      where b.resource_id = ${club.court} and b.start_at = ${atHour(hour).startAt}`
    if (confirmed === "won") {
      expect(taken).toBe("SlotTaken")
      expect(owners.map((row) => ({ ...row }))).toEqual([{ status: "confirmed", id: held.id }])
      outcomes.confirmed++
    } else {
      expect(confirmed).toBe("WrongState")
      // The request that lost against a live hold may try again now.
      if (taken !== "won") await book()
      outcomes.taken++
    }
  }
  expect(outcomes.confirmed + outcomes.taken).toBe(20)
})

test("a person holds a limited number of slots at once, also with all requests at once; holds by staff are not counted", async () => {
  const hoarder = await aMember(db(), "player", club.id)
  const ask = (n: number) => exec((tx) => createHold(tx, hoarder.caller, club.id, { ...slot(), ...atHour(n) }))
  const answers = await Promise.all(
    Array.from({ length: maxLiveHolds + 5 }, (_, n) =>
      ask(100 + n).then(
        () => "held",
        (error) => error.code,
      ),
    ),
  )
  expect(answers.filter((answer) => answer === "held")).toHaveLength(maxLiveHolds)
  expect(answers.filter((answer) => answer === "too_many_holds")).toHaveLength(5)
  const forThem = { ...slot(), ...atHour(200), bookerId: hoarder.id }
  expect((await exec((tx) => createHold(tx, club.staff.caller, club.id, forThem))).status).toBe("held")
  await pass(5)
  expect((await ask(300)).status).toBe("held")
})
