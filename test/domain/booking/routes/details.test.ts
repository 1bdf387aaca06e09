// What people say about a booking: title, note, and answers to the club's questions. Who is asked, what is kept, who
// changes it, and that events carry none of it.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { extendDue } from "#domain/booking/series/extend.ts"
import {
  aBookingClub,
  type Body,
  type BookingClub,
  offline,
  online,
  outcome,
  storyOf,
} from "#test/harness/club/booking-club.ts"
import type { Person } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"

let club: BookingClub
let hour = 24

beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())
beforeEach(async () => {
  hour += 24
  await ask([])
})

const call = (method: string, path: string, body: Body, by?: Person) =>
  club.api.call(method, `/v1/facilities/${club.id}${path}`, { ...(by && { token: by.token }), body })
const ask = (questions: readonly Body[]) => call("PUT", "/booking-questions", { questions })
const book = (more: Body = {}, at = hour) =>
  club.post(club.player, "/bookings", online(club, at, { resourceId: club.freeCourt, ...more }))
const change = (id: string, body: Body, by: Person = club.player) => call("PATCH", `/bookings/${id}`, body, by)
const read = async (id: string) => (await club.get(club.player, `/bookings/${id}`)).body
const answer = (questionId: string, value: unknown) => ({ questionId, answer: value })

const shoes = { id: "shoes", label: "Your shoe size?", type: "number", required: true }
const racket = {
  id: "racket",
  label: "Which racket?",
  type: "choice",
  choices: ["light", "heavy"],
  required: false,
  bookingTypes: ["open_play"],
}
const news = { id: "news", label: "A newsletter?", type: "yes_no", required: false }
const words = { id: "words", label: "What else?", type: "text", required: false }

describe("title and note", () => {
  test("are set when booking, changed by name, and not in any event", async () => {
    const { status, body } = await book({ title: "Mia's birthday", note: "We bring a cake.\nIt is large." })
    expect([status, body.title, body.note, body.answers]).toEqual([
      201,
      "Mia's birthday",
      "We bring a cake.\nIt is large.",
      [],
    ])
    const changed = await change(body.id, { title: "Mia is ten" })
    expect([changed.body.title, changed.body.note, changed.body.startAt]).toEqual([
      "Mia is ten",
      "We bring a cake.\nIt is large.",
      body.startAt,
    ])
    expect((await change(body.id, { title: "Mia is ten" })).headers.get("x-slotbase-event-ids")).toBeNull()
    expect((await change(body.id, { note: null }, club.staff)).body).toMatchObject({ title: "Mia is ten", note: null })
    const story = await storyOf(club, body.id)
    expect(story.types).toEqual(["booking.confirmed", "booking.details_changed", "booking.details_changed"])
    expect(story.last).toMatchObject({ changed: ["note"], changedBy: club.staff.id, startAt: body.startAt })
    expect(JSON.stringify(story.all)).not.toMatch(/cake|Mia is/)
    const [trail] = await club.api.database.db`
      select after from slotbase.audit_log where subject_id = ${body.id} and action = 'booking.details_changed'`
    expect(trail?.after).toEqual({ changed: ["note"] })
  })

  test("stay through a move, and are changed by the booker until the end, by staff also later", async () => {
    const { id } = (await book({ title: "Training" })).body
    await club.post(club.player, `/bookings/${id}/reschedule`, atHour(hour + 1))
    expect(await read(id)).toMatchObject({ title: "Training", startAt: atHour(hour + 1).startAt })
    expect(outcome(await change(id, { title: "Mine" }, club.friend))).toBe("404 not_found")
    expect(outcome(await change(id, {}))).toBe("422 invalid_input")
    expect(outcome(await change(id, { title: "two\nlines" }))).toBe("422 invalid_input")
    await club.post(club.player, `/bookings/${id}/cancel`, { cancellationReason: "rain" })
    expect(outcome(await change(id, { title: "Late" }))).toBe("409 booking_over")
    expect(outcome(await change(id, { note: "Called us." }, club.staff))).toBe("200")
  })
})

describe("the club's questions", () => {
  test("are replaced by administrators and read by members; an event names the change", async () => {
    const put = await ask([shoes, racket])
    expect([put.status, put.body.questions]).toEqual([200, [shoes, racket]])
    expect((await club.get(club.player, "/booking-questions")).body).toEqual(put.body)
    expect((await ask([shoes, racket])).headers.get("x-slotbase-event-ids")).toBeNull()
    expect(outcome(await call("PUT", "/booking-questions", { questions: [] }, club.staff))).toBe("403 not_allowed")
    const faults = async (...questions: Body[]) =>
      (await ask(questions)).body.errors?.map(({ path }: { path: string }) => path)
    expect(await faults(shoes, shoes)).toEqual(["body.questions.1.id"])
    expect(await faults({ ...racket, choices: undefined })).toEqual(["body.questions.0.choices"])
    expect(await faults({ ...shoes, choices: ["1"] })).toEqual(["body.questions.0.choices"])
  })

  test("bind members; the answers keep the wording, whatever becomes of the question", async () => {
    await ask([shoes, racket, news, words])
    const missing = await book()
    expect([outcome(missing), missing.body.detail, missing.body.errors]).toEqual([
      "422 question_unanswered",
      'The club asks its members: "Your shoe size?" (shoes).',
      [{ path: "body.answers", message: "must answer shoes" }],
    ])
    const wrong = async (...answers: Body[]) => outcome(await book({ answers }))
    expect(await wrong(answer("shoes", "large"))).toBe("422 answer_not_allowed")
    expect(await wrong(answer("shoes", 42), answer("racket", "wooden"))).toBe("422 answer_not_allowed")
    expect(await wrong(answer("shoes", 42), answer("hat", true))).toBe("422 question_unknown")
    expect(await wrong(answer("shoes", 42), answer("shoes", 43))).toBe("422 invalid_input")
    const { status, body } = await book({
      answers: [answer("words", "None."), answer("racket", "light"), answer("news", false), answer("shoes", 42.5)],
    })
    const kept = [
      { questionId: "shoes", label: shoes.label, answer: 42.5 },
      { questionId: "racket", label: racket.label, answer: "light" },
      { questionId: "news", label: news.label, answer: false },
      { questionId: "words", label: words.label, answer: "None." },
    ]
    expect([status, body.answers]).toEqual([201, kept])
    await ask([{ ...words, label: "Anything?" }])
    expect((await read(body.id)).answers).toEqual(kept)
    const changed = await change(body.id, { answers: [answer("words", "A lot."), answer("news", null)] })
    expect(changed.body.answers).toEqual([
      kept[0],
      kept[1],
      { questionId: "words", label: "Anything?", answer: "A lot." },
    ])
  })

  test("may be left out by staff and asked for some types only; a member can't take a required answer back", async () => {
    await ask([shoes, racket])
    expect((await club.post(club.staff, "/bookings", offline(club, hour))).body.answers).toEqual([])
    const answers = [answer("shoes", 42), answer("racket", "light")]
    expect(outcome(await book({ answers, bookingType: "private" }, hour + 1))).toBe("422 question_unknown")
    const { id } = (await book({ answers }, hour + 2)).body
    expect(outcome(await change(id, { answers: [answer("shoes", null)] }))).toBe("422 question_unanswered")
    expect((await change(id, { answers: [answer("shoes", null)] }, club.staff)).body.answers).toHaveLength(1)
  })

  test("are answered at a hold, and at the acceptance of an offer; a wish asks nothing", async () => {
    await ask([shoes])
    const hold = { resourceId: club.court, ...atHour(hour) }
    expect(outcome(await club.post(club.friend, "/holds", hold))).toBe("422 question_unanswered")
    const held = await club.post(club.friend, "/holds", { ...hold, answers: [answer("shoes", 42)] })
    expect(held.body.answers).toHaveLength(1)
    const wish = await club.post(club.player, "/waitlist", hold)
    expect(wish.status).toBe(201)
    await club.api.call("DELETE", `/v1/facilities/${club.id}/holds/${held.body.id}`)
    const accept = (more: Body) =>
      club.post(club.player, `/waitlist/${wish.body.id}/accept`, { paymentMethod: "online", ...more })
    expect(outcome(await accept({}))).toBe("422 question_unanswered")
    const accepted = await accept({ title: "At last", answers: [answer("shoes", 42)] })
    expect(accepted.status).toBe(200)
    expect(await read(accepted.body.offer.bookingId)).toMatchObject({
      title: "At last",
      answers: [{ questionId: "shoes", label: shoes.label, answer: 42 }],
    })
  })

  test("are answered once for a series; a later question does not stop its coming days", async () => {
    await ask([shoes])
    const series = {
      resourceId: club.freeCourt,
      paymentMethod: "online",
      startDate: dayOf(hour + 24),
      startTime: "15:00",
      durationMinutes: 60,
      rule: "FREQ=DAILY",
      windowDays: 2,
    }
    expect(outcome(await club.post(club.player, "/recurring-bookings", series))).toBe("409 occurrences_refused")
    const made = await club.post(club.player, "/recurring-bookings", {
      ...series,
      title: "Every day",
      answers: [answer("shoes", 42)],
    })
    const kept = { title: "Every day", answers: [{ questionId: "shoes", label: shoes.label, answer: 42 }] }
    expect([made.status, made.body]).toEqual([201, expect.objectContaining(kept)])
    await ask([{ ...words, required: true }])
    await club.api.database.db`select slotbase.move_clock(${`${hour / 24 + 4} days`}::interval)`
    const extended = await extendDue({ db: club.api.database.db, config: { environment: "development" } }, 10, club.id)
    expect(extended).toMatchObject({ series: 1, skipped: 0 })
    expect(extended.booked).toBeGreaterThan(0)
    const rows = await club.api.database.db`
      select distinct title, answers from slotbase.bookings where recurring_booking_id = ${made.body.id}`
    expect(rows.map((row) => ({ ...row }))).toEqual([kept])
  })
})
