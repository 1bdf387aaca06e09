// What a push message holds, however long its words are.

import { expect, test } from "bun:test"
import fc from "fast-check"
import { maxPlainBytes } from "#outbound/messages/channels/push/encrypt.ts"
import { type Pushed, payloadOf, topicOf, ttlOf, urgencyOf } from "#outbound/messages/channels/push/payload.ts"

const message = (given: Partial<Pushed> = {}): Pushed => ({
  id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e63",
  type: "booking.reminder.due",
  title: "Reminder",
  body: "Court 1",
  data: {},
  priority: "normal",
  ...given,
})
const read = (bytes: Uint8Array) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))

test("any text fits, and is whole where it can be", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 20_000 }),
    fc.string({ unit: "binary", maxLength: 6_000, minLength: 2_000 }),
  )
  fc.assert(
    fc.property(text, fc.string({ maxLength: 5_000 }), (body, note) => {
      const bytes = payloadOf(message({ body, data: { note } }))
      expect(bytes.length).toBeLessThanOrEqual(maxPlainBytes)
      const shown = read(bytes)
      expect(body.startsWith(shown.body.replace(/…$/, "").replace(/\ufffd$/, ""))).toBe(true)
    }),
    { numRuns: 100 },
  )
  const long = read(payloadOf(message({ body: "ö".repeat(10_000) })))
  expect(long.body).toEndWith("ö…")
  expect(Buffer.byteLength(long.body)).toBeGreaterThan(3_500)
})

test("it is kept until the booking begins or the offer ends, and at least a minute", () => {
  const now = Date.parse("2026-03-12T16:00:00Z")
  const ttl = (data: Record<string, unknown>) => ttlOf({ data }, now)
  expect(ttl({ startAt: "2026-03-12T17:00:00Z" })).toBe(3_600)
  expect(ttl({ expiresAt: "2026-03-12T16:20:00Z", startAt: "2026-03-12T17:00:00Z" })).toBe(1_200)
  expect(ttl({ startAt: "2026-03-12T16:00:10Z" })).toBe(60)
  expect(ttl({ startAt: "2026-06-12T16:00:00Z" })).toBe(7 * 86_400)
  expect(ttl({ startAt: "2026-03-11T16:00:00Z" })).toBe(86_400)
  expect(ttl({ startAt: 5 })).toBe(86_400)
})

test("messages about one booking have one topic, which does not show it; others have their own", () => {
  const of = (data: Record<string, unknown>, id = "a") => topicOf({ id, data })
  expect(of({ bookingId: "x" }, "a")).toBe(of({ bookingId: "x", entryId: "y" }, "b"))
  expect(of({ bookingId: "x" })).toMatch(/^[A-Za-z0-9_-]{32}$/)
  expect(of({ bookingId: "x", aboutUserId: "child" })).not.toBe(of({ bookingId: "x" }))
  expect(of({}, "a")).not.toBe(of({}, "b"))
  expect(of({ bookingId: "x" })).not.toContain("x".repeat(3))
})

test("what is urgent may wake a phone", () => {
  expect((["critical", "high", "normal"] as const).map((priority) => urgencyOf({ priority }))).toEqual([
    "high",
    "high",
    "normal",
  ])
})
