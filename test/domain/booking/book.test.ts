// Bookings on a real database: direct bookings, refusals and lists; their rows, their events and the rights to them.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type Caller, requireMember, requireStaff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import type { BookingInput } from "#domain/booking/input.ts"
import { getBooking, listBookings } from "#domain/booking/list.ts"
import { createWalkIn } from "#domain/people/walk-ins.ts"
import { createBooking, createHold } from "#test/harness/club/ask.ts"
import { bookingCounts, eventsOf, isOccupied } from "#test/harness/club/bookings.ts"
import { aClub, aMember, type Club, type Person, run } from "#test/harness/club/club.ts"
import { aFacility, aResource, aRole } from "#test/harness/club/factories.ts"
import { atHour, everyDay } from "#test/harness/club/hours.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
/** A member of another facility. */
let outsider: Person
/** Counts up, so that no two tests use the same slot. */
let hour = 0

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  outsider = await aMember(database.db, "player", (await aFacility(database.db)).id)
})
afterAll(() => database.drop())
beforeEach(() => {
  hour++
})

const db = () => database.db
const exec = <T>(command: (tx: Tx) => Promise<T>) => run(db(), command)
const counts = () => bookingCounts(db())
const wanted = (more: Partial<BookingInput> = {}): BookingInput => ({
  resourceId: club.court,
  ...atHour(hour),
  bookerId: club.player.id,
  paymentMethod: "offline",
  ...more,
})
describe("a direct booking", () => {
  test("is a row, an occupancy, its participants and booking.confirmed with every field true", async () => {
    const input = wanted({
      participants: [{ userId: club.friend.id }, { userId: club.staff.id, role: "coach" }],
      bookingType: "lesson",
    })
    const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, input))
    const { startAt, endAt } = atHour(hour)
    expect(booking).toMatchObject({
      facilityId: club.id,
      resourceId: club.court,
      resourceName: "Court 1",
      status: "confirmed",
      bookingType: "lesson",
      bookerId: club.player.id,
      bookerName: "Mia Keller",
      startAt,
      endAt,
      timezone: "UTC",
      priceAmount: 2400,
      priceCurrency: "EUR",
      priceLines: [
        {
          kind: "court",
          label: "Court 1",
          amount: 2400,
          taxRate: 0,
          taxAmount: 0,
          taxIncluded: true,
          minutes: 60,
          hourlyPrice: 2400,
        },
      ],
      paymentMethod: "offline",
      holdId: null,
      expiresAt: null,
      isRecurring: false,
    })
    expect(await getBooking(db(), requireMember(club.staff.caller, club.id), booking.id)).toEqual({
      ...booking,
      settlement: { paidAmount: 0, refundedAmount: 0, forfeitedAmount: 0, dueAmount: 2400 },
    })
    expect(await isOccupied(db(), booking.id)).toBe(true)
    expect(await eventsOf(db(), booking.id)).toEqual([
      {
        type: "booking.confirmed",
        facility_id: club.id,
        resource_id: club.court,
        booking_type: "lesson",
        data: {
          bookingId: booking.id,
          facilityId: club.id,
          resourceId: club.court,
          resourceName: "Court 1",
          bookerId: club.player.id,
          bookerName: "Mia Keller",
          bookerEmail: `${club.player.id}@example.com`,
          participants: [
            { userId: club.staff.id, name: "Mia Keller", role: "coach" },
            { userId: club.friend.id, name: "Mia Keller", role: "player" },
          ],
          startAt,
          endAt,
          timezone: "UTC",
          bookingType: "lesson",
          priceAmount: 2400,
          priceCurrency: "EUR",
          paymentMethod: "offline",
          isRecurring: false,
        },
      },
    ])
  })

  test("a command that fails late leaves neither the booking nor the event", async () => {
    const before = await counts()
    const late = exec(async (tx) => {
      await createBooking(tx, club.staff.caller, club.id, wanted())
      throw new Error("late")
    })
    expect(await failure(late)).toMatchObject({ message: "late" })
    expect(await counts()).toEqual(before)
  })

  test("of two touching slots both can be booked, of overlapping slots only one, on any minute", async () => {
    const [first, second] = [atHour(hour), atHour(++hour)]
    const half = new Date(Date.parse(first.startAt) + 30 * 60_000).toISOString()
    await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ ...first })))
    await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ ...second })))
    const over = exec((tx) =>
      createBooking(tx, club.staff.caller, club.id, wanted({ startAt: half, endAt: second.endAt })),
    )
    expect(await failure(over)).toMatchObject({
      _tag: "SlotTaken",
      conflicts: [
        { ...first, status: "confirmed" },
        { ...second, status: "confirmed" },
      ],
    })
  })

  test("the loser of a slot gets the conflicting time, never its booker, and free times nearby", async () => {
    await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted()))
    const before = await counts()
    const error = await failure(
      exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ bookerId: club.friend.id }))),
    )
    expect(error).toMatchObject({ _tag: "SlotTaken", conflicts: [{ ...atHour(hour), status: "confirmed" }] })
    const { alternatives } = error as { alternatives: object[] }
    expect(alternatives).toHaveLength(3)
    expect(alternatives[0]).toEqual({ resourceId: club.otherCourt, ...atHour(hour) })
    expect(await counts()).toEqual(before)
    for (const each of alternatives) await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted(each)))
  })
})

test("staff book for a walk-in, whose events name an address that no mail reaches", async () => {
  hour++
  const guest = { firstName: "Ida", lastName: "Moreau" }
  const { id } = await exec((tx) => createWalkIn(tx, requireStaff(club.staff.caller, club.id), guest))
  const booking = await exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ bookerId: id })))
  expect(booking).toMatchObject({ status: "confirmed", bookerId: id })
  const [event] = await db()<{ data: object }[]>`
    select data from slotbase.events where type = 'booking.confirmed' and data ->> 'bookingId' = ${booking.id}`
  expect(event?.data).toMatchObject({ bookerName: "Ida Moreau", bookerEmail: "walk-in@slotbase.invalid" })
})

describe("a refusal writes nothing", () => {
  const refused: [string, () => Partial<BookingInput>, () => Caller, object][] = [
    ["a resource that does not exist", () => ({ resourceId: newId() }), () => club.staff.caller, { _tag: "NotFound" }],
    [
      "a booker who does not exist",
      () => ({ bookerId: newId() }),
      () => club.staff.caller,
      { _tag: "InvalidInput", faults: [{ path: "body.bookerId", message: "names nobody" }] },
    ],
    [
      "a booker who is no member, in the words for an id that nobody has",
      () => ({ bookerId: outsider.id }),
      () => club.staff.caller,
      { _tag: "InvalidInput", faults: [{ path: "body.bookerId", message: "names nobody" }] },
    ],
    [
      "a participant who is no member",
      () => ({ participants: [{ userId: outsider.id }] }),
      () => club.staff.caller,
      { _tag: "InvalidInput", faults: [{ path: "body.participants.0.userId", message: "names nobody" }] },
    ],
    [
      "a participant who does not exist",
      () => ({ participants: [{ userId: club.friend.id }, { userId: newId() }] }),
      () => club.staff.caller,
      { _tag: "InvalidInput", faults: [{ path: "body.participants.1.userId", message: "names nobody" }] },
    ],
    [
      "a start in the past",
      () => ({ startAt: "2026-01-01T10:00:00Z", endAt: "2026-01-01T11:00:00Z" }),
      () => club.staff.caller,
      { _tag: "RuleBroken", code: "starts_in_the_past" },
    ],
    ["a member who pays offline", () => ({}), () => club.player.caller, { _tag: "NotAllowed" }],
    ["a member who waives", () => ({ paymentMethod: "waived" }), () => club.player.caller, { _tag: "NotAllowed" }],
  ]
  test.each(refused)("%s", async (_, more, caller, error) => {
    const before = await counts()
    expect(await failure(exec((tx) => createBooking(tx, caller(), club.id, wanted(more()))))).toMatchObject(error)
    expect(await counts()).toEqual(before)
  })

  test("a participant that a member knows only by id, because the answer would reveal the name", async () => {
    const before = await counts()
    const { startAt, endAt, resourceId } = wanted()
    const hold = { resourceId, startAt, endAt, participants: [{ userId: outsider.id }] }
    expect(await failure(exec((tx) => createHold(tx, club.player.caller, club.id, hold)))).toMatchObject({
      _tag: "InvalidInput",
      faults: [{ path: "body.participants.0.userId", message: "names nobody" }],
    })
    expect(await counts()).toEqual(before)
  })

  test("a resource that is inactive, and one of another facility", async () => {
    const other = await aFacility(db())
    const elsewhere = await aResource(db(), other.id)
    const closed = await aResource(db(), club.id, { name: "Closed court" })
    await db()`update slotbase.resources set is_active = false where id = ${closed.id}`
    const before = await counts()
    for (const resourceId of [elsewhere.id, closed.id]) {
      const error = await failure(exec((tx) => createBooking(tx, club.staff.caller, club.id, wanted({ resourceId }))))
      expect(error).toMatchObject({ _tag: "NotFound", message: `There is no resource ${resourceId}.` })
    }
    expect(await counts()).toEqual(before)
  })

  test("a stranger learns nothing: the facility is a 404", async () => {
    const stranger: Caller = { ...club.player.caller, userId: newId(), grants: [] }
    expect(
      await failure(exec((tx) => createBooking(tx, stranger, club.id, wanted({ paymentMethod: "waived" })))),
    ).toMatchObject({
      _tag: "NotFound",
      message: `There is no facility ${club.id}.`,
    })
  })

  test("a program without a booker, a member with another booker, and a member that blocks a court", async () => {
    const key: Caller = { ...club.staff.caller, kind: "api_key" }
    const { bookerId, paymentMethod, ...nameless } = wanted()
    expect(await failure(exec((tx) => createHold(tx, key, club.id, nameless)))).toMatchObject({
      _tag: "InvalidInput",
      faults: [{ path: "body.bookerId" }],
    })
    const other = { ...nameless, bookerId: club.friend.id }
    expect(await failure(exec((tx) => createHold(tx, club.player.caller, club.id, other)))).toMatchObject({
      _tag: "NotAllowed",
    })
    const block = { ...nameless, bookingType: "maintenance" as const }
    expect(await failure(exec((tx) => createHold(tx, club.player.caller, club.id, block)))).toMatchObject({
      _tag: "NotAllowed",
    })
  })

  test("a time outside of the opening hours, named in local time", async () => {
    const openingHours = everyDay("07:00", "22:00")
    const facility = await aFacility(db(), { timezone: "America/New_York", openingHours })
    const court = await aResource(db(), facility.id)
    await aRole(db(), club.staff.id, "staff", facility.id)
    await aRole(db(), club.player.id, "player", facility.id)
    const grant = { role: "staff", scopeType: "facility", scopeId: facility.id } as const
    const staff: Caller = { ...club.staff.caller, grants: [grant] }
    const before = await counts()
    const input = wanted({ resourceId: court.id, startAt: "2031-03-04T02:00:00Z", endAt: "2031-03-04T03:01:00Z" })
    expect(await failure(exec((tx) => createBooking(tx, staff, facility.id, input)))).toMatchObject({
      _tag: "RuleBroken",
      code: "outside_opening_hours",
      message:
        "The facility is not open for all of this time; on 2031-03-03 it is open 07:00–22:00 (America/New_York).",
    })
    expect(await counts()).toEqual(before)
    const inside = wanted({ resourceId: court.id, startAt: "2031-03-04T02:00:00Z", endAt: "2031-03-04T03:00:00Z" })
    expect((await exec((tx) => createBooking(tx, staff, facility.id, inside))).status).toBe("confirmed")
  })
})

describe("the list", () => {
  test("is by start and id, in pages, filtered, and a member sees only their own", async () => {
    const own = await aClub(db())
    for (const [n, bookerId, court] of [
      [3, own.player.id, own.court],
      [1, own.friend.id, own.court],
      [2, own.player.id, own.otherCourt],
      [1, own.player.id, own.otherCourt],
    ] as const) {
      await exec((tx) =>
        createBooking(tx, own.staff.caller, own.id, {
          resourceId: court,
          ...atHour(n),
          bookerId,
          paymentMethod: "waived",
        }),
      )
    }
    const list = async (caller: Caller, query: object) => listBookings(db(), requireMember(caller, own.id), query)
    const hours = (page: { data: readonly { startAt: string }[] }) =>
      page.data.map(({ startAt }) => (Date.parse(startAt) - Date.parse(atHour(0).startAt)) / 3_600_000)
    const all = await list(own.staff.caller, {})
    expect(hours(all)).toEqual([1, 1, 2, 3])
    expect(all.next).toBeNull()
    const first = await list(own.staff.caller, { limit: "3" })
    expect(hours(first)).toEqual([1, 1, 2])
    expect(hours(await list(own.staff.caller, { limit: "3", after: first.next }))).toEqual([3])
    expect(hours(await list(own.staff.caller, { resourceId: own.otherCourt }))).toEqual([1, 2])
    expect(hours(await list(own.staff.caller, { bookerId: own.friend.id }))).toEqual([1])
    expect(hours(await list(own.staff.caller, { status: "cancelled" }))).toEqual([])
    expect(hours(await list(own.staff.caller, { from: atHour(2).startAt, to: atHour(3).startAt }))).toEqual([2])
    expect(hours(await list(own.player.caller, {}))).toEqual([1, 2, 3])
    expect(await failure(list(own.player.caller, { bookerId: own.friend.id }))).toMatchObject({ _tag: "NotAllowed" })
    expect(await failure(list(own.staff.caller, { after: "nonsense" }))).toMatchObject({ _tag: "InvalidInput" })
    expect(await failure(list({ ...own.player.caller, grants: [] }, {}))).toMatchObject({ _tag: "NotFound" })
  })
})
