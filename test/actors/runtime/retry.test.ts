// The specification's RETRY_CONFIG and its arithmetic.

import { expect, test } from "bun:test"
import { delayAfter, type RetryPolicy, retryConfig, retryPolicyOf } from "#actors/runtime/retry.ts"

test("is the specification's", () => {
  expect(retryConfig).toEqual({
    defaultMaxRetries: 3,
    defaultDelayMs: 1_000,
    maxDelayMs: 60_000,
    backoffMultiplier: 2,
    handlers: {
      NotificationHandler: { maxRetries: 5 },
      PaymentHandler: { maxRetries: 0 },
      WebhookHandler: { maxRetries: 5, maxDelayMs: 3_600_000 },
    },
  })
})

test("a handler has the defaults, and its own overrides before them", () => {
  const defaults = { maxRetries: 3, delayMs: 1_000, maxDelayMs: 60_000, backoffMultiplier: 2 }
  expect(retryPolicyOf("AnalyticsHandler")).toEqual(defaults)
  expect(retryPolicyOf("NotificationHandler")).toEqual({ ...defaults, maxRetries: 5 })
  expect(retryPolicyOf("PaymentHandler")).toEqual({ ...defaults, maxRetries: 0 })
  expect(retryPolicyOf("WebhookHandler")).toEqual({ ...defaults, maxRetries: 5, maxDelayMs: 3_600_000 })
})

test("the delay doubles after each failure, until the retries are used up", () => {
  expect(delays(retryPolicyOf("AnalyticsHandler"))).toEqual([1_000, 2_000, 4_000])
  expect(delays(retryPolicyOf("NotificationHandler"))).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
  expect(delays(retryPolicyOf("PaymentHandler"))).toEqual([])
})

test("the delay never exceeds its ceiling, however many retries there are", () => {
  const patient = { maxRetries: 2_000, delayMs: 1_000, maxDelayMs: 60_000, backoffMultiplier: 2 }
  expect(delays(patient).slice(4, 8)).toEqual([16_000, 32_000, 60_000, 60_000])
  expect(delays(patient).at(-1)).toBe(60_000)
})

const delays = (policy: RetryPolicy) => {
  const all: number[] = []
  for (let failures = 1; ; failures++) {
    const delay = delayAfter(failures, policy)
    if (delay === undefined) return all
    all.push(delay)
  }
}
