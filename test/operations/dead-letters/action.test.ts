// What a dead letter says to do, by who gave it up and why.

import { expect, test } from "bun:test"
import { actionOf } from "#operations/dead-letters/action.ts"

test("an action names the next step, and an event that is gone is not put back to work", () => {
  expect(actionOf({ code: "http_500" })).toStartWith("Look at the answers of the receiver")
  expect(actionOf({ handler: "NotificationHandler", code: "mail_undeliverable" })).toStartWith("Correct the address")
  expect(actionOf({ handler: "RefundHandler", code: "card_declined" })).toStartWith(
    "No payment is tried again by itself.",
  )
  expect(actionOf({ handler: "GateHandler", code: "unknown_outcome" })).toStartWith("The process ended in the middle.")
  expect(actionOf({ handler: "AnalyticsHandler", code: "23505" })).toContain("reprocess it")
  for (const cause of [{ code: "event_gone" }, { handler: "RefundHandler", code: "event_gone" }])
    expect(actionOf(cause)).toContain("cannot be reprocessed")
})
