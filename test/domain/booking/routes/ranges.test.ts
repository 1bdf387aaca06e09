// Ranges of lists: from and to find what overlaps them, startsFrom and startsTo find the starts. The same for bookings,
// blocks and sessions, page by page, and by the index.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { findBookings } from "#domain/booking/find.ts"
import { maxBookingMinutes } from "#domain/booking/input.ts"
import { aBlock, aLesson, type CoachClub, makeCoachClub } from "#test/harness/api/coach-api.ts"
import { hoursFrom } from "#test/harness/club/hours.ts"
import { cases, timeoutOf } from "#test/whole/properties/property.ts"

let club: CoachClub
beforeAll(async () => {
  club = await makeCoachClub()
})
afterAll(() => club.api.database.drop())

type Item = { readonly id: string; readonly startAt: string; readonly endAt: string }
const ids = async (path: string): Promise<string[]> => {
  const found: string[] = []
  for (let next: string | null = null; ; ) {
    const { status, body } = await club.get(club.staff, `${path}&limit=3${next === null ? "" : `&after=${next}`}`)
    expect(status).toBe(200)
    found.push(...body.data.map(({ id }: Item) => id))
    next = body.next
    if (next === null) return found
  }
}

test("a booking over midnight is found on both days, and by its start on the first alone", async () => {
  const over = hoursFrom(22, 4)
  const booking = { resourceId: club.court, ...over, bookerId: club.student.id, paymentMethod: "offline" }
  const { id } = (await club.post(club.staff, "/bookings", booking)).body
  const [midnight, next] = [hoursFrom(24, 24).startAt, hoursFrom(24, 24).endAt]
  const day = `from=${midnight}&to=${next}`
  expect(await ids(`/bookings?${day}`)).toEqual([id])
  expect(await ids(`/bookings?startsFrom=${midnight}&startsTo=${next}`)).toEqual([])
  expect(await ids(`/bookings?startsFrom=${over.startAt}&startsTo=${midnight}`)).toEqual([id])
  expect(await ids(`/bookings?from=${over.endAt}&to=${next}`)).toEqual([])
  expect(await ids(`/bookings?from=${hoursFrom(0, 1).startAt}&to=${over.startAt}`)).toEqual([])
})

test("a lesson and a block over midnight likewise; a session inside the block by its own time", async () => {
  const [midnight, next] = [hoursFrom(72, 24).startAt, hoursFrom(72, 24).endAt]
  const lesson = (
    await club.post(club.staff, "/coach-sessions", aLesson(club, 70, { coachId: club.coach.id, ...hoursFrom(70, 4) }))
  ).body
  const blockTimes = hoursFrom(70, 4)
  const { body: court } = await club.post(undefined, "/resources", {
    name: "Court 2",
    resourceType: "court",
    hourlyPrice: 1,
  })
  const block = (
    await club.post(
      club.staff,
      "/coach-blocks",
      aBlock(club, 70, { ...blockTimes, resourceId: court.id, coachId: club.otherCoach.id }),
    )
  ).body
  const inside = { blockId: block.id, sessionType: "private", students: [club.friend.id], ...hoursFrom(70, 1) }
  const early = (await club.post(club.staff, "/coach-sessions", inside)).body
  expect(await ids(`/coach-sessions?from=${midnight}&to=${next}`)).toEqual([lesson.id])
  expect(await ids(`/coach-sessions?from=${blockTimes.startAt}&to=${midnight}`)).toEqual([lesson.id, early.id].sort())
  expect(await ids(`/coach-sessions?startsFrom=${midnight}&startsTo=${next}`)).toEqual([])
  expect(await ids(`/coach-blocks?from=${midnight}&to=${next}`)).toEqual([block.id])
  expect(await ids(`/coach-blocks?startsFrom=${midnight}&startsTo=${next}`)).toEqual([])
})

test("an unknown end of a range is a clear error", async () => {
  const refused = await club.get(club.staff, "/bookings?startsFrom=tomorrow")
  expect([refused.status, refused.body.errors[0].path]).toEqual([422, "query.startsFrom"])
})

const spans = fc.array(fc.record({ at: fc.nat(60), length: fc.integer({ min: 1, max: 24 }) }), {
  minLength: 1,
  maxLength: 8,
})
const ranges = fc.array(
  fc.record({
    from: fc.option(fc.nat(90)),
    to: fc.option(fc.nat(90)),
    startsFrom: fc.option(fc.nat(90)),
    startsTo: fc.option(fc.nat(90)),
  }),
  { minLength: 1, maxLength: 6 },
)
let base = 200

test(
  "for random bookings and ranges the list is the brute-force overlap",
  async () => {
    await fc.assert(
      fc.asyncProperty(spans, ranges, async (wanted, asked) => {
        base += 200
        const instant = (hour: number) => hoursFrom(base + hour, 1).startAt
        const made: Item[] = []
        for (const { at, length } of wanted) {
          const body = {
            resourceId: club.court,
            ...hoursFrom(base + at, length),
            bookerId: club.student.id,
            paymentMethod: "offline",
          }
          const answer = await club.post(club.staff, "/bookings", body)
          if (answer.status === 201) made.push(answer.body)
        }
        for (const range of asked) {
          const given = Object.entries(range).flatMap(([name, hour]) =>
            hour === null ? [] : [`${name}=${instant(hour)}`],
          )
          const at = (hour: number | null, otherwise: string) => (hour === null ? otherwise : instant(hour))
          const right = made
            .filter(
              ({ startAt, endAt }) =>
                endAt > at(range.from, "") &&
                startAt < at(range.to, "9") &&
                startAt >= at(range.startsFrom, "") &&
                startAt < at(range.startsTo, "9"),
            )
            .sort((a, b) => (a.startAt < b.startAt ? -1 : 1))
            .map(({ id }) => id)
          const bounds = `startsFrom=${instant(-30)}&`.repeat(range.startsFrom === null ? 1 : 0)
          const upper = `&startsTo=${instant(120)}`.repeat(range.startsTo === null ? 1 : 0)
          expect(await ids(`/bookings?${bounds}${given.join("&")}${upper}`)).toEqual(right)
        }
      }),
      cases(10, 4_000),
    )
  },
  timeoutOf(4_000),
)

test("a page of a range reads the bookings of its range and of the longest booking before, by the index", async () => {
  const { db } = club
  await db`
    insert into slotbase.bookings (id, facility_id, resource_id, status, booking_type, booker_id, start_at, end_at, price_amount,
      price_currency, cancelled_by, cancellation_reason, created_by)
    select gen_random_uuid(), ${club.id}, ${club.court}, 'cancelled', 'open_play', ${club.student.id},
      '2040-01-01Z'::timestamptz + make_interval(hours => n), '2040-01-01Z'::timestamptz + make_interval(hours => n + 1), 0, 'EUR',
      ${club.student.id}, 'x', ${club.student.id}
    from generate_series(1, 20000) n`
  await db`analyze slotbase.bookings`
  const from = "2041-06-01T00:00:00.000Z"
  const filter = { bookerIds: undefined, from, to: "2041-06-02T00:00:00.000Z", after: undefined, limit: 51 }
  expect(await findBookings(db, club.id, filter)).toHaveLength(24)
  const plan = await db`
    explain (analyze, buffers, costs off, timing off, summary off, format json)
    select b.id from slotbase.bookings b
    where b.facility_id = ${club.id} and b.end_at > ${from}
      and b.start_at > ${new Date(Date.parse(from) - maxBookingMinutes * 60_000).toISOString()}
      and b.start_at < ${filter.to}
    order by b.start_at, b.id limit 51`
  const text = JSON.stringify(plan[0])
  expect(text).toContain("bookings_of_facility_by_start")
  expect(Number(/"Shared Hit Blocks":(\d+)/.exec(text)?.[1])).toBeLessThan(100)
})
