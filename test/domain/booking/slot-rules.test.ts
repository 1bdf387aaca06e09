// Starts and lengths of members' bookings: every listed slot keeps the rules, and every refusal names what keeps them.

import { expect, test } from "bun:test"
import fc from "fast-check"
import type { RuleBroken } from "#base/errors.ts"
import { localDateOf, spanOfDay } from "#base/local-days.ts"
import { checkSlotRules, type RuledHours, slotsOfRules, startsOfRules } from "#domain/booking/slot-rules.ts"
import { isOpenDuring } from "#domain/club/opening-hours.ts"
import { everyDay } from "#test/harness/club/hours.ts"

const minuteMs = 60_000
const noRules = { start_grid_minutes: null, least_minutes: null, greatest_minutes: null, length_step_minutes: null }
const berlin: RuledHours = { ...noRules, timezone: "Europe/Berlin", openingHours: everyDay("07:00", "22:00") }

const span = (start: string, minutes: number) => ({
  start: Date.parse(start),
  end: Date.parse(start) + minutes * minuteMs,
})
const refusal = (
  asked: { start: number; end: number },
  hours: RuledHours,
  standing?: { start: number; end: number },
) => {
  try {
    checkSlotRules(asked, hours, 0, standing)
    return undefined
  } catch (error) {
    const { code, message } = error as RuleBroken
    return [code, message]
  }
}

test("a start off the grid is refused with the nearest starts that the hours allow", () => {
  const hourly = { ...berlin, start_grid_minutes: 60 }
  expect(refusal(span("2027-01-11T17:00Z", 60), hourly)).toBeUndefined()
  expect(refusal(span("2027-01-11T17:57Z", 60), hourly)).toEqual([
    "off_grid",
    "Members begin every 60 minutes from the opening on; the nearest are 2027-01-11T18:00:00.000Z and 2027-01-11T17:00:00.000Z.",
  ])
  // 21:00 UTC is the closing time: the later start has no room.
  expect(refusal(span("2027-01-11T20:30Z", 30), { ...hourly, openingHours: everyDay("07:00", "22:00") })).toEqual([
    "off_grid",
    "Members begin every 60 minutes from the opening on; the nearest are 2027-01-11T20:00:00.000Z.",
  ])
})

test("the grid begins at each opening, and at local midnight where there are no hours", () => {
  const quarters = { ...berlin, start_grid_minutes: 90, openingHours: everyDay("07:30", "22:00") }
  expect(refusal(span("2027-01-11T08:00Z", 60), quarters)).toBeUndefined()
  expect(refusal(span("2027-01-11T07:00Z", 60), quarters)?.[0]).toBe("off_grid")
  const always = { ...berlin, start_grid_minutes: 120, openingHours: {} }
  expect(refusal(span("2027-01-10T23:00Z", 60), always)).toBeUndefined()
  expect(refusal(span("2027-01-11T00:00Z", 60), always)?.[0]).toBe("off_grid")
})

test("a length is refused with the nearest that is allowed", () => {
  const lengths = { ...berlin, least_minutes: 60, greatest_minutes: 120, length_step_minutes: 30 }
  expect([5, 60, 75, 90, 120, 150].map((minutes) => refusal(span("2027-01-11T17:00Z", minutes), lengths))).toEqual([
    ["too_short", "Members book at least 60 minutes."],
    undefined,
    ["off_step", "Members book whole steps of 30 minutes; the nearest lengths are 60 or 90 minutes."],
    undefined,
    undefined,
    ["too_long", "Members book at most 120 minutes."],
  ])
})

test("a booking that moves is judged by what changes: its start, its length, or neither", () => {
  const ruled = { ...berlin, start_grid_minutes: 60, greatest_minutes: 60 }
  const standing = span("2027-01-11T17:57Z", 90)
  expect(refusal(standing, ruled, standing)).toBeUndefined()
  expect(refusal(span("2027-01-11T17:57Z", 100), ruled, standing)?.[0]).toBe("too_long")
  expect(refusal(span("2027-01-11T17:57Z", 60), ruled, standing)).toBeUndefined()
  expect(refusal(span("2027-01-11T18:57Z", 90), ruled, standing)?.[0]).toBe("off_grid")
  expect(refusal(span("2027-01-11T18:00Z", 90), ruled, standing)).toBeUndefined()
})

const five = (most: number) => fc.option(fc.integer({ min: 1, max: most / 5 }).map((n) => n * 5))
const rules = fc
  .record({
    grid: five(240),
    least: five(240),
    greatest: five(300),
    step: fc.option(fc.constantFrom(5, 15, 20, 30, 60)),
  })
  .map(({ grid, least, greatest, step }) => {
    const whole = (minutes: number | null) => minutes && (step === null ? minutes : Math.ceil(minutes / step) * step)
    const [from, to] = [whole(least), whole(greatest)]
    return {
      start_grid_minutes: grid,
      length_step_minutes: step,
      least_minutes: from,
      greatest_minutes: from !== null && to !== null ? Math.max(from, to) : to,
    }
  })
// An ordinary day, both changes of the clock, a day that begins at 01:00, and a change of half an hour.
const days = fc.constantFrom(
  ["Europe/Berlin", "2027-01-11"],
  ["Europe/Berlin", "2027-03-28"],
  ["Europe/Berlin", "2027-10-31"],
  ["America/Santiago", "2027-09-05"],
  ["Australia/Lord_Howe", "2027-04-04"],
)
const hours = fc.constantFrom({}, everyDay("07:00", "22:00"), everyDay("00:00", "24:00"), everyDay("01:30", "03:20"))

test("members may book each listed slot and each offered start, and a refused start is never listed", () => {
  fc.assert(
    fc.property(
      days,
      hours,
      rules,
      fc.constantFrom(5, 15, 45, 60, 95),
      ([timezone, date], openingHours, rule, slot) => {
        const ruled = { ...rule, timezone, openingHours } as RuledHours
        const listed = slotsOfRules(ruled, date as string, slot)
        let before = 0
        for (const each of listed) {
          expect(refusal(each, ruled)).toBeUndefined()
          expect(isOpenDuring(openingHours, timezone as string, each)).toBe(true)
          expect(each.start).toBeGreaterThanOrEqual(before)
          before = each.end
        }
        const length = (listed[0]?.end ?? 0) - (listed[0]?.start ?? 0)
        const starts = startsOfRules(ruled, date as string, slot)
        const startable = new Set(starts)
        for (const { start } of listed) expect(startable.has(start)).toBe(true)
        if (listed.length === 0 || rule.start_grid_minutes === null) return
        const day = spanOfDay(timezone as string, date as string)
        for (let start = day.start; start < day.end; start += 5 * minuteMs) {
          const asked = { start, end: start + length }
          if (!isOpenDuring(openingHours, timezone as string, asked)) continue
          if (localDateOf(timezone as string, start) !== date) continue
          expect([start, refusal(asked, ruled) === undefined]).toEqual([start, startable.has(start)])
        }
      },
    ),
    { numRuns: 200 },
  )
})
