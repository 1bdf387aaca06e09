// Backoff: under any policy the waits never shrink, never exceed their ceiling, and end after exactly its retries.

import { expect, setDefaultTimeout, test } from "bun:test"
import fc from "fast-check"
import { retryDelay } from "#actors/deliveries/attempt.ts"
import { delayAfter, type RetryPolicy } from "#actors/runtime/retry.ts"
import { pauseAsked } from "#base/egress/retry-after.ts"
import { cases, timeoutOf } from "./property.ts"

setDefaultTimeout(timeoutOf())

const hourMs = 3_600_000
/** The jitter of webhooks: each wait lies within a fifth of the policy's. */
const jitter = 0.2

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  maxRetries: fc.integer({ min: 0, max: 40 }),
  delayMs: fc.integer({ min: 1, max: hourMs }),
  maxDelayMs: fc.integer({ min: 1, max: hourMs }),
  backoffMultiplier: fc.double({ min: 1, max: 10, noNaN: true }),
})

/** The limits of WebhookInput. */
const webhooks = fc.record({
  max_retries: fc.integer({ min: 0, max: 20 }),
  retry_delay_ms: fc.integer({ min: 100, max: hourMs }),
  backoff_multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
})
const randoms = fc.double({ min: 0, max: 1, noNaN: true })

test("a policy waits exactly its retries, each wait at least the one before, none beyond its ceiling", () => {
  fc.assert(
    fc.property(policies, (policy) => {
      const waits = all((failures) => delayAfter(failures, policy))
      expect(waits).toHaveLength(policy.maxRetries)
      expect(waits).toEqual(waits.toSorted((a, b) => a - b))
      for (const wait of waits) {
        expect(wait).toBeGreaterThanOrEqual(Math.min(policy.delayMs, policy.maxDelayMs))
        expect(wait).toBeLessThanOrEqual(policy.maxDelayMs)
      }
      const [first, second] = waits
      if (first !== undefined) expect(first).toBe(Math.min(policy.delayMs, policy.maxDelayMs))
      if (second !== undefined)
        expect(second).toBe(Math.min(policy.maxDelayMs, policy.delayMs * policy.backoffMultiplier))
    }),
    cases(1_000),
  )
})

test("a webhook waits exactly its retries, each within a fifth of its policy's wait and none beyond an hour", () => {
  fc.assert(
    fc.property(webhooks, randoms, (webhook, random) => {
      const exact = all((failures) => delayAfter(failures, policyOf(webhook)))
      const waits = all((failures) => retryDelay({ ...webhook, failures: failures - 1 }, () => random))
      expect(waits).toHaveLength(webhook.max_retries)
      for (const [nth, wait] of waits.entries()) {
        const middle = exact[nth] as number
        expect(wait).toBeGreaterThanOrEqual(Math.round(middle * (1 - jitter)))
        expect(wait).toBeLessThanOrEqual(Math.min(hourMs, Math.round(middle * (1 + jitter))))
      }
    }),
    cases(1_000),
  )
})

test("the jitter spreads a wait evenly, and no jitter leaves it unchanged", () => {
  fc.assert(
    fc.property(webhooks, fc.tuple(randoms, randoms), (webhook, [a, b]) => {
      const wait = (random: number) => retryDelay({ ...webhook, failures: 0 }, () => random) ?? 0
      const [low, high] = a <= b ? [a, b] : [b, a]
      expect(wait(low)).toBeLessThanOrEqual(wait(high))
      expect(wait(0.5)).toBe(webhook.max_retries === 0 ? 0 : webhook.retry_delay_ms)
    }),
    cases(1_000),
  )
})

test("retries that fail together are spread over a fifth of the wait on both sides", () => {
  const webhook = { max_retries: 5, retry_delay_ms: 10_000, backoff_multiplier: 2, failures: 0 }
  expect([0, 0.25, 0.5, 0.75, 1].map((random) => retryDelay(webhook, () => random))).toEqual([
    8_000, 9_000, 10_000, 11_000, 12_000,
  ])
})

test("Retry-After in seconds is waited for, up to a day", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (seconds) => {
      expect(pauseAsked(String(seconds), 0)).toBe(Math.min(24 * hourMs, Number(seconds) * 1_000))
    }),
    cases(500),
  )
})

test("Retry-After as a date is waited for in each of the three forms, up to a day; a date that has passed adds no wait", () => {
  fc.assert(
    fc.property(fc.integer({ min: -2 * hourMs, max: 30 * hourMs }), fc.nat(forms.length - 1), (inMs, form) => {
      const now = Date.now()
      const date = new Date(Math.floor((now + inMs) / 1_000) * 1_000)
      const asked = pauseAsked(forms[form]?.(date.toUTCString()), now)
      expect(asked).toBe(Math.min(24 * hourMs, Math.max(0, date.getTime() - now)))
    }),
    cases(500),
  )
})

test("any other text asks for nothing", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const asked = pauseAsked(text, Date.now())
      if (!/^\s*[+-]?\d+(?:\.\d*)?\s*$/.test(text)) expect(asked).toBeUndefined()
      else expect(asked).toBeWithin(0, 24 * hourMs + 1)
    }),
    cases(1_000),
  )
})

/** RFC 9110, 5.6.7, from the first of its forms. */
const forms: readonly ((preferred: string) => string)[] = [
  (preferred) => preferred,
  (preferred) => preferred.replace(/^..., (\d\d) (...) \d\d(\d\d)/, "Someday, $1-$2-$3"),
  (preferred) =>
    preferred.replace(
      /^(...), (\d)(\d) (...) (\d{4}) (\S+) GMT$/,
      (_, day, tens, ones, month, year, time) => `${day} ${month} ${tens === "0" ? " " : tens}${ones} ${time} ${year}`,
    ),
]

const policyOf = (webhook: {
  max_retries: number
  retry_delay_ms: number
  backoff_multiplier: number
}): RetryPolicy => ({
  maxRetries: webhook.max_retries,
  delayMs: webhook.retry_delay_ms,
  backoffMultiplier: webhook.backoff_multiplier,
  maxDelayMs: hourMs,
})

/**
 * The waits after the first failure, the second and so on until there is none. Later failures must have none either.
 */
function all(delay: (failures: number) => number | undefined): number[] {
  const waits: number[] = []
  for (let failures = 1; failures <= 60; failures++) {
    const wait = delay(failures)
    if (wait !== undefined) waits[failures - 1] = wait
  }
  return waits
}
