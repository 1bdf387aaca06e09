/** The plan of the demo's month: a visit a day on each court, also over a change of the clocks. */
import { expect, test } from "bun:test"
import { sizes } from "#demo/month/clubs.ts"
import { hourMs, planMonth, seeded } from "#demo/month/plan.ts"

const dayMs = 24 * hourMs
/** Local midnights in Berlin, a few days before its clocks change. */
const beginnings = { "spring of 2027": "2027-03-25T23:00Z", "autumn of 2027": "2027-10-28T22:00Z" }

for (const [when, from] of Object.entries(beginnings)) {
  test(`no court has two visits at one time in the ${when}`, () => {
    for (const size of sizes) {
      const { visits } = planMonth(seeded(1), size, { from: Date.parse(from), days: 35 })
      const slots = visits.map(({ court, startAt }) => `${court} ${startAt}`)
      expect(new Set(slots).size).toBe(slots.length)
    }
  })
}

test("each Wednesday has one lesson, and each is booked and played at the hour of the club", () => {
  for (const size of sizes) {
    const { visits, lessons } = planMonth(seeded(1), size, { from: Date.parse("2027-10-28T22:00Z"), days: 35 })
    expect(new Set(lessons).size).toBe(5)
    expect(lessons.length).toBe(5)
    expect(visits.filter(({ bookedAt, startAt }) => startAt - bookedAt < dayMs - 2 * hourMs)).toEqual([])
  }
})
