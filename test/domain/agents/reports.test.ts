// What agents tell staff: strikes with a proposal that a person decides, and what was odd on a day.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { enforcementAgent } from "#actors/handlers/enforcement.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { monitoringAgent } from "#actors/handlers/monitoring.ts"
import { record } from "#events/outbox.ts"
import { aBookingClub, type BookingClub, offline, outcome } from "#test/harness/club/booking-club.ts"
import { run } from "#test/harness/club/club.ts"
import { once } from "#test/harness/pipeline/delivered-again.ts"

let club: BookingClub
const handlers = [enforcementAgent(), monitoringAgent()]
beforeAll(async () => {
  club = await aBookingClub()
  await mirrorHandlers(club.api.database.db, handlers)
})
afterAll(() => club.api.database.drop())

const db = () => club.api.database.db
const handle = async () => {
  for (const handler of handlers) await once(db(), handler)
}
const reports = async (query = "") => (await club.get(club.staff, `/agent-reports${query}`)).body.data
let hour = 8
const missed = async () => {
  const { body } = await club.post(club.staff, "/bookings", offline(club, hour++))
  await db()`update slotbase.clock set shift = interval '3 days'`
  expect(outcome(await club.post(club.staff, `/bookings/${body.id}/no-show`))).toBe("200")
  await db()`update slotbase.clock set shift = '0'`
  await handle()
  return String(body.id)
}

test("a strike of a person who is not known as reliable is explained, with the proposal to keep it", async () => {
  const bookingId = await missed()
  const [report] = await reports("?status=open")
  expect(report).toMatchObject({ agent: "EnforcementAgent", subjectId: bookingId, proposal: "keep", ruleBased: true })
  expect(report.lines.join(" ")).toContain("did not come to")
  expect(report.lines.at(-1)).toBe("Written by rules. Nothing happens before a person decides.")
  expect(outcome(await club.post(club.player, `/agent-reports/${report.id}/decide`, { decision: "accept" }))).toBe(
    "403 not_allowed",
  )
  const decided = await club.post(club.staff, `/agent-reports/${report.id}/decide`, {
    decision: "accept",
    reason: "Yes.",
  })
  expect(decided.body).toMatchObject({ status: "accepted", decidedBy: club.staff.id, reason: "Yes." })
  expect(outcome(await club.post(club.staff, `/agent-reports/${report.id}/decide`, { decision: "dismiss" }))).toBe(
    "409 report_decided",
  )
  const [strikes] =
    await db()`select sum(points)::integer as sum from slotbase.strike_ledger where facility_id = ${club.id}`
  expect(strikes?.sum).toBe(1)
})

test("the first strike of a reliable person is proposed to be waived, and a person's word takes it back", async () => {
  await db()`update slotbase.strike_ledger set made_at = made_at - interval '2 years'`
  for (let n = 0; n < 5; n++) {
    const { body } = await club.post(club.staff, "/bookings", offline(club, hour++))
    await db()`update slotbase.bookings set status = 'completed' where id = ${body.id}`
  }
  const bookingId = await missed()
  const [report] = await reports("?status=open")
  expect(report).toMatchObject({ subjectId: bookingId, proposal: "waive" })
  const decided = await club.post(club.staff, `/agent-reports/${report.id}/decide`, { decision: "accept" })
  expect(decided.body).toMatchObject({ status: "accepted", reason: null })
  expect(decided.headers.get("x-slotbase-event-ids")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  const [strikes] =
    await db()`select sum(points)::integer as sum from slotbase.strike_ledger where booking_id = ${bookingId}`
  expect(strikes?.sum).toBe(0)
})

const told = async (day: string, data: object) => {
  await run(db(), async (tx) =>
    record(tx, {
      type: "facility.report.made",
      facilityId: club.id,
      data: { facilityId: club.id, day, bookings: 0, cancellations: 0, noShows: 0, revenue: [], ...data },
    }),
  )
  await handle()
  const [report] = await reports("?status=said")
  return report.lines
}

test("a day without anything odd says so, and one far from the usual is told in words", async () => {
  expect(await told("2026-03-10", { bookings: 20 })).toEqual([
    "Nothing was odd on 2026-03-10.",
    "There are too few earlier weeks to say what is usual.",
    "Written by rules.",
  ])
  for (const day of ["2026-03-04", "2026-02-25", "2026-02-18"])
    await db()`
      insert into slotbase.daily_figures (facility_id, day, resource_id, booking_type, log_month, bookings, cancellations)
      values (${club.id}, ${day}, ${club.court}, 'open_play', '2026-03-01', 20, 2)`
  expect(await told("2026-03-11", { bookings: 8, cancellations: 9 })).toEqual([
    "8 bookings are unusual: the same weekday has 20.0 on average.",
    "9 cancellations are unusual: the same weekday has 2.0 on average.",
    "Written by rules.",
  ])
})

test("late events and failing endpoints are named", async () => {
  const made = await club.api.call("POST", `/v1/facilities/${club.id}/webhooks`, {
    body: { name: "Board", url: "https://board.example.com/hook", events: ["booking.confirmed"] },
  })
  await db()`
    insert into slotbase.webhook_health (webhook_id, facility_id, began_at, failing_since, stage)
    values (${made.body.id}, ${club.id}, '2026-03-11T08:00Z', '2026-03-11T08:00Z', 1)`
  expect(await told("2026-03-12", {})).toContain(
    "The endpoint of the webhook “Board” has failed since 2026-03-11 08:00 UTC.",
  )
})

test("a German facility is told in German", async () => {
  await db()`update slotbase.facilities set language = 'de' where id = ${club.id}`
  expect(await told("2026-03-18", { bookings: 8, cancellations: 1 })).toEqual([
    "Die Adresse des Webhooks „Board“ ist seit 11.03.2026, 08:00 UTC, nicht zu erreichen.",
    "Ungewöhnlich: 8 Buchungen. Am selben Wochentag sind es sonst 20,0.",
    "Nach Regeln geschrieben.",
  ])
  expect(await told("2026-03-21", {})).toContain("Es gibt zu wenige frühere Wochen, um zu sagen, was üblich ist.")
  await db()`delete from slotbase.webhook_health`
  expect(await told("2026-03-22", {})).toContain("Am 22.03.2026 war nichts auffällig.")
  await missed()
  const [report] = await reports("?status=open")
  expect(report.lines[0]).toMatch(/^.+ ist am \d\d\.\d\d\.\d{4} um \d\d:\d\d nicht erschienen: .+\.$/)
  expect(report.lines.at(-1)).toBe("Nach Regeln geschrieben. Nichts geschieht, bevor ein Mensch entscheidet.")
  for (const line of report.lines) expect([line, /\b(the|of|is|are)\b/.test(line)]).toEqual([line, false])
})
