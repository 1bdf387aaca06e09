// AfterHooks: a registered hook gets its event under a key of its own. Without hooks the handler is subscribed to
// nothing.

import { expect, test } from "bun:test"
import { afterHooksHandler } from "#actors/handlers/after-hooks.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import type { Db } from "#base/database/db.ts"
import type { AfterHook } from "#events/after-hook.ts"
import { definitionOf } from "#events/catalogue.ts"
import { toDomainEvent } from "#events/envelope.ts"
import { example } from "#events/example.ts"

const event: HandledEvent = {
  id: example.bookingId,
  facility_id: example.facilityId,
  type: "booking.confirmed",
  version: "1.0",
  timestamp: new Date("2026-03-09T16:20:30.125Z"),
  occurred_at: new Date("2026-03-09T16:20:30.125Z"),
  source: "booking-service",
  correlation_id: example.correlationId,
  causation_id: null,
  user_id: null,
  organization_id: null,
  data: definitionOf("booking.confirmed")?.sample ?? {},
  metadata: { environment: "development" },
  position: 7,
  aggregate_id: example.bookingId,
  resource_id: null,
}
const tools = { db: {} as Db, idempotencyKey: "event:AfterHooks", signal: new AbortController().signal }
const hook = (name: string, run: AfterHook["run"]): AfterHook => ({ point: "after:booking.confirmed", name, run })

test("without hooks it has no subscriptions", () => {
  expect(afterHooksHandler({}).events).toEqual([])
  expect(afterHooksHandler({ hooks: [] }).events).toEqual([])
})

test("each hook gets the event as the outside sees it, under its own key", async () => {
  const seen: unknown[] = []
  const handler = afterHooksHandler({
    hooks: [
      hook("gate", async (given, { idempotencyKey }) => void seen.push(given, idempotencyKey)),
      hook("lamp", async (_, { idempotencyKey }) => void seen.push(idempotencyKey)),
      { ...hook("paid", async () => void seen.push("wrong")), point: "after:payment.succeeded" },
    ],
  })
  expect(handler.events).toEqual(["booking.confirmed", "payment.succeeded"])
  expect(await handler.handle(event, tools)).toBeUndefined()
  expect(seen).toEqual([toDomainEvent(event), "event:AfterHooks:gate", "event:AfterHooks:lamp"])
})

test("a hook that fails fails the run, which is then tried again", async () => {
  const handler = afterHooksHandler({
    hooks: [
      hook("gate", async () => {
        throw new Error("the gate does not answer")
      }),
    ],
  })
  await expect(handler.handle(event, tools)).rejects.toThrow("the gate does not answer")
})
