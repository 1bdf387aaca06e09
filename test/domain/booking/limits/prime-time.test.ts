// Prime time on a day whose clocks skip its beginning or its end: it begins or ends where the skipped hour does.

import { expect, test } from "bun:test"
import { requireWithinLimits } from "#domain/booking/limits/check.ts"
import type { PrimeTime } from "#domain/booking/limits/fields.ts"
import type { MemberStanding } from "#domain/booking/limits/standing.ts"

const isPrime = (timezone: string, primeTime: PrimeTime, start: string, end: string): boolean => {
  const limit = { name: "None then", per: "day", atMost: 0, primeTime } as const
  const standing: MemberStanding = { limits: [limit], weekStartsOn: "monday", roles: [], bookings: [], moving: null }
  const span = { start: Date.parse(start), end: Date.parse(end) }
  try {
    requireWithinLimits(standing, { span, timezone, now: 0 })
    return false
  } catch {
    return true
  }
}

test("prime time from 02:30 begins at 03:00 on the day that skips the hour from 02:00", () => {
  const primeTime: PrimeTime = { weekdays: ["sunday"], fromTime: "02:30", toTime: "04:00" }
  const berlin = (start: string, end: string) =>
    isPrime("Europe/Berlin", primeTime, `2027-03-28T${start}Z`, `2027-03-28T${end}Z`)
  expect([berlin("00:30", "01:00"), berlin("01:00", "01:30"), berlin("02:00", "02:30")]).toEqual([false, true, false])
})

test("prime time from 00:00 to 00:30 has no moment on the day that skips the hour from 00:00", () => {
  const primeTime: PrimeTime = { weekdays: ["friday"], fromTime: "00:00", toTime: "00:30" }
  expect(isPrime("Africa/Cairo", primeTime, "2027-04-29T22:00Z", "2027-04-29T22:30Z")).toBe(false)
  expect(isPrime("Africa/Cairo", primeTime, "2027-04-29T21:30Z", "2027-04-29T22:30Z")).toBe(false)
  expect(isPrime("Africa/Cairo", primeTime, "2027-05-06T21:00Z", "2027-05-06T21:30Z")).toBe(true)
})
