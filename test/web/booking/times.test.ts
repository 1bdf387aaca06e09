// Local times and the day's table, as the server and the browser write them.

import { describe, expect, test } from "bun:test"
import { type Court, daysLater, freeInARow, rowsOf, type SlotStatus } from "#web/booking/day.ts"
import { clockOf, dateOf, dayOf, hoursOf, moneyOf, type Offset, timeOf } from "#web/booking/times.ts"

/** Berlin in 2026: UTC+2 until 25 October 01:00Z. */
const berlin: readonly Offset[] = [
  [Date.parse("2026-03-29T01:00:00Z"), 120],
  [Date.parse("2026-10-25T01:00:00Z"), 60],
]

test("times are those of the facility's wall, on either side of a change of the clocks", () => {
  expect(hoursOf({ offsets: berlin }, "2026-10-24T16:00:00.000Z", "2026-10-24T17:00:00.000Z")).toBe("18:00–19:00")
  expect(hoursOf({ offsets: berlin }, "2026-10-26T17:00:00.000Z", "2026-10-26T18:00:00.000Z")).toBe("18:00–19:00")
  expect(dateOf({ offsets: berlin }, "2026-10-24T22:30:00.000Z")).toBe("2026-10-25")
})

test("a repeated hour names its offset, and no other hour does", () => {
  const hours = ["2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]
  expect(hours.map((hour) => timeOf({ offsets: berlin }, hour))).toEqual([
    "01:30",
    "02:30 +02:00",
    "02:30 +01:00",
    "03:30",
  ])
  const [first, second, third] = ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]
  expect(hoursOf({ offsets: berlin }, first, second)).toBe("02:00 +02:00–02:00 +01:00")
  expect(hoursOf({ offsets: berlin }, second, third)).toBe("02:00 +01:00–03:00")
})

test("days, amounts and clocks in both languages", () => {
  expect(dayOf("en", "2026-12-05")).toBe("Saturday 5 December")
  expect(dayOf("de", "2026-12-05")).toBe("Samstag, 5. Dezember")
  expect(moneyOf({ language: "de", decimals: 2 }, 2450, "EUR").replace(/\s/, " ")).toBe("24,50 €")
  expect(moneyOf({ language: "en", decimals: 0 }, 2400, "JPY")).toBe("JP¥2,400")
  expect(moneyOf({ language: "en", decimals: 3 }, 2450, "KWD").replace(/\s/, " ")).toBe("KWD 2.450")
  expect([clockOf(300), clockOf(61), clockOf(9)]).toEqual(["5:00", "1:01", "0:09"])
  expect(daysLater("2026-12-31", 1)).toBe("2027-01-01")
})

describe("the table", () => {
  const slot = (hour: number, status: SlotStatus = "free") => ({
    startAt: `2026-12-05T${String(hour).padStart(2, "0")}:00:00.000Z`,
    endAt: `2026-12-05T${String(hour + 1).padStart(2, "0")}:00:00.000Z`,
    status,
    priceAmount: 2400,
  })
  const court = (name: string, slots: readonly ReturnType<typeof slot>[]): Court => ({ resourceId: name, name, slots })

  test("has a row for each start, and an empty cell where a court has no slot", () => {
    const rows = rowsOf([court("1", [slot(9), slot(8)]), court("2", [slot(9)])])
    expect(rows.map(({ cells }) => cells.map((each) => each?.startAt.slice(11, 13)))).toEqual([
      ["08", undefined],
      ["09", "09"],
    ])
  })

  test("offers as many hours as follow each other free", () => {
    const slots = [slot(8), slot(9), slot(10, "booked"), slot(11), slot(13)]
    const from = (hour: number, atMost = 4) => freeInARow(slots, slot(hour).startAt, atMost).length
    expect([from(8), from(9), from(10), from(11), from(8, 1)]).toEqual([2, 1, 0, 1, 1])
  })
})
