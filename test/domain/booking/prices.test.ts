// The price of a booking: minor units, rounded half up, piece by piece through the windows of the rules.

import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { spanOfDay } from "#base/local-days.ts"
import { weekdays } from "#base/weekdays.ts"
import { priceForMinutes, type TariffRule, tariffOf } from "#domain/booking/prices.ts"

test.each([
  [2400, 60, 2400],
  [2400, 90, 3600],
  [2401, 30, 1201],
  [2399, 30, 1200],
  [100, 5, 8],
  [1, 30, 1],
  [1, 29, 0],
  [0, 60, 0],
  [1_000_000_000_000, 1440, 24_000_000_000_000],
])("%d an hour for %d minutes is %d", (hourlyPrice, minutes, price) => {
  expect(priceForMinutes(hourlyPrice, minutes)).toBe(price)
})

const rule = (id: string, more: Partial<TariffRule>): TariffRule => ({
  id,
  name: id,
  resourceId: null,
  bookingType: null,
  weekdays: null,
  fromTime: null,
  toTime: null,
  hourlyPrice: 0,
  ...more,
})
const tariff = (rules: readonly TariffRule[], more: object = {}) =>
  tariffOf({
    resourceId: "court-1",
    bookingType: "open_play",
    hourlyPrice: 2400,
    timezone: "Europe/Berlin",
    rules,
    ...more,
  })
/** Local hours of a Thursday in Berlin, in winter. */
const at = (from: number, to: number) => ({
  start: Date.UTC(2026, 0, 15, 0, 60 * (from - 1)),
  end: Date.UTC(2026, 0, 15, 0, 60 * (to - 1)),
})
const evening = rule("2", { fromTime: "18:00", toTime: "22:00", hourlyPrice: 3000 })
const weekend = rule("3", { weekdays: ["saturday", "sunday"], hourlyPrice: 3600 })

describe("price rules", () => {
  test("a booking across two windows is priced per window, and rounded once", () => {
    const { priceOf, linesOf } = tariff([evening, weekend])
    expect(priceOf(at(17, 19))).toBe(2400 + 3000)
    expect(priceOf(at(17.5, 18.25))).toBe(1200 + 750)
    expect(linesOf(at(17, 23)).map(({ hourlyPrice, rule }) => [hourlyPrice, rule?.id])).toEqual([
      [2400, undefined],
      [3000, "2"],
      [2400, undefined],
    ])
    const odd = [rule("1", { fromTime: "12:00", toTime: "12:01", hourlyPrice: 31 })]
    // 31/60 and 29/60 add up to a whole unit, and neither rounds up to one alone.
    expect(tariff(odd, { hourlyPrice: 29 }).priceOf(at(12, 12 + 2 / 60))).toBe(1)
  })

  test("the most specific rule wins: resource, then type, then hours, then weekdays; between equals the newer", () => {
    const rules = [
      rule("9", { weekdays: ["thursday"], hourlyPrice: 1 }),
      rule("8", { fromTime: "00:00", toTime: "24:00", hourlyPrice: 2 }),
      rule("7", { bookingType: "open_play", hourlyPrice: 3 }),
      rule("6", { resourceId: "court-1", hourlyPrice: 4 }),
      rule("5", { resourceId: "court-1", hourlyPrice: 5 }),
      rule("4", { resourceId: "court-2", bookingType: "open_play", hourlyPrice: 6 }),
      rule("3", { resourceId: "court-1", bookingType: "league", hourlyPrice: 7 }),
    ]
    const order: number[] = []
    for (let left = rules; left.length > 0; ) {
      const line = tariff(left).linesOf(at(10, 11))[0]
      order.push(line?.hourlyPrice ?? 0)
      if (line?.rule === null) break
      left = left.filter((each) => each !== line?.rule)
    }
    expect(order).toEqual([4, 5, 3, 2, 1, 2400])
  })

  test("windows are local: when the clocks change they have their real length", () => {
    const night = rule("1", { fromTime: "00:00", toTime: "06:00", hourlyPrice: 600 })
    const day = (date: string) => spanOfDay("Europe/Berlin", date)
    const rest = 18 * 2400
    expect(tariff([night]).priceOf(day("2026-03-28"))).toBe(6 * 600 + rest)
    expect(tariff([night]).priceOf(day("2026-03-29"))).toBe(5 * 600 + rest)
    expect(tariff([night]).priceOf(day("2026-10-25"))).toBe(7 * 600 + rest)
  })

  test("over midnight each day has its own weekday", () => {
    const { linesOf } = tariff([weekend])
    const overnight = { start: Date.UTC(2026, 0, 16, 22), end: Date.UTC(2026, 0, 17, 0) }
    expect(linesOf(overnight).map(({ hourlyPrice, end, start }) => [hourlyPrice, (end - start) / 60_000])).toEqual([
      [2400, 60],
      [3600, 60],
    ])
    expect(linesOf({ start: Date.UTC(2026, 0, 17, 22), end: Date.UTC(2026, 0, 18, 1) })).toHaveLength(1)
  })

  test("any time span costs as much as its parts, under any rules", () => {
    const minute = fc.integer({ min: 0, max: 2 * 1440 })
    const time = fc.integer({ min: 0, max: 1439 }).map((n) => `${pad(Math.floor(n / 60))}:${pad(n % 60)}`)
    const rules = fc.array(
      fc.record({
        from: time,
        to: time,
        days: fc.option(fc.subarray([...weekdays], { minLength: 1 })),
        price: fc.nat(5),
      }),
      { maxLength: 4 },
    )
    const start = Date.UTC(2026, 2, 28)
    fc.assert(
      fc.property(rules, minute, minute, minute, (given, ...minutes) => {
        const list = given
          .filter(({ from, to }) => from < to)
          .map(({ from, to, days, price }, i) =>
            rule(String(i), { fromTime: from, toTime: to, weekdays: days, hourlyPrice: 60 * price }),
          )
        const { priceOf } = tariff(list, { hourlyPrice: 60 })
        const [a = 0, b = 0, c = 0] = minutes.sort((x, y) => x - y).map((n) => start + n * 60_000)
        expect(priceOf({ start: a, end: b }) + priceOf({ start: b, end: c })).toBe(priceOf({ start: a, end: c }))
      }),
      { numRuns: 200 },
    )
  })
})

const pad = (n: number) => String(n).padStart(2, "0")
