// A company's own file is checked whole at the start. Each mistake is one sentence that says what to change.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { reservedNames } from "#actors/handlers/index.ts"
import { checkExtension, loadExtension } from "#hooks/load-extension.ts"

const handle = async () => {}
const gate = { name: "GateHandler", events: ["booking.confirmed"], handle }
const check = (module: object) => checkExtension("./my-club.ts", module as never, reservedNames)
const refusal = (module: object) => {
  try {
    check(module)
    return "it was taken"
  } catch (error) {
    return `${(error as { _tag: string })._tag} ${(error as Error).message}`
  }
}

const name = "needs a name like GateHandler: 3 to 60 letters and digits, the first one a capital."
const bad: readonly (readonly [object, string])[] = [
  [{}, "it exports neither handlers nor hooks."],
  [{ handler: gate }, 'it exports "handler"; export only handlers and hooks.'],
  [{ handlers: gate }, "handlers is not a list."],
  [{ hooks: [handle] }, "hooks is not an object of hook points."],
  [{ handlers: [handle] }, "the handler without a name is not an object."],
  [{ handlers: [{ ...gate, name: undefined }] }, `the handler without a name ${name}`],
  [{ handlers: [{ ...gate, name: "gate" }] }, `the handler gate ${name}`],
  [{ handlers: [gate, { ...gate }] }, "the handler GateHandler stands twice in the list."],
  [
    { handlers: [{ ...gate, name: "AnalyticsHandler" }] },
    "the handler AnalyticsHandler has the name of a handler of SlotBase; choose another one.",
  ],
  [
    { handlers: [{ ...gate, name: "PaymentHandler" }] },
    "the handler PaymentHandler has the name of a handler of SlotBase; choose another one.",
  ],
  [{ handlers: [{ ...gate, event: "x" }] }, 'the handler GateHandler has the unknown field "event".'],
  [
    { handlers: [{ ...gate, kind: "set" }] },
    'the handler GateHandler has the kind "set"; it is "external" or "transactional".',
  ],
  [{ handlers: [{ ...gate, handle: 1 }] }, "the handler GateHandler has no function handle."],
  [{ handlers: [{ ...gate, events: [] }] }, "the handler GateHandler names no events."],
  [
    { handlers: [{ ...gate, events: ["booking.confirmd"] }] },
    'the handler GateHandler names the unknown event "booking.confirmd". Did you mean booking.confirmed?',
  ],
  [
    { handlers: [{ ...gate, events: ["weather"] }] },
    'the handler GateHandler names the unknown event "weather". GET /v1/event-types lists all events.',
  ],
  [
    { handlers: [{ ...gate, events: ["booking.confirmed", "booking.confirmed"] }] },
    "the handler GateHandler names booking.confirmed twice.",
  ],
  [{ handlers: [{ ...gate, retry: 3 }] }, "the handler GateHandler has a retry that is not an object."],
  [
    { handlers: [{ ...gate, retry: { retries: 3 } }] },
    "the handler GateHandler has the unknown retry.retries; there are maxRetries, delayMs, maxDelayMs, backoffMultiplier.",
  ],
  [
    { handlers: [{ ...gate, retry: { maxRetries: -1 } }] },
    "the handler GateHandler has retry.maxRetries -1; it is a whole number from 0 to 20.",
  ],
  [
    { handlers: [{ ...gate, retry: { delayMs: 1.5 } }] },
    "the handler GateHandler has retry.delayMs 1.5; it is a whole number from 1 to 86400000.",
  ],
  [
    { handlers: [{ ...gate, retry: { backoffMultiplier: 0.5 } }] },
    "the handler GateHandler has retry.backoffMultiplier 0.5; it is a number from 1 to 10.",
  ],
  [
    { handlers: [{ ...gate, retry: { backoffMultiplier: Number.NaN } }] },
    "the handler GateHandler has retry.backoffMultiplier NaN; it is a number from 1 to 10.",
  ],
  [
    { handlers: [{ ...gate, retry: { delayMs: 90_000 } }] },
    "the handler GateHandler waits 90000 ms before the first retry, and at most 60000 ms: raise retry.maxDelayMs.",
  ],
  [
    { hooks: { "after:booking.cancelled": handle } },
    'there is no hook point "after:booking.cancelled". There are: before:booking.create, before:payment.process, after:booking.confirmed, after:payment.succeeded.',
  ],
  [{ hooks: { "after:booking.confirmed": "x" } }, "the hook of after:booking.confirmed is not a function."],
]

test.each(bad.map(([module, says], nth) => ({ nth, module, says })))("refuses: $says", ({ module, says }) => {
  expect(refusal(module)).toBe(`BadExtension ./my-club.ts: ${says}`)
})

test("a file that is not there, or that throws, is refused by its path", async () => {
  const found = await loadExtension("/nowhere/club.ts", []).catch((error: Error) => error.message)
  expect(found).toStartWith("/nowhere/club.ts cannot be read: ")
})

test("takes named exports or a default export, and names each hook by its file and point", () => {
  const hooks = { "after:booking.confirmed": [handle, handle], "before:booking.create": () => undefined }
  const given = { handlers: [gate, { ...gate, name: "LampHandler", kind: "transactional", retry: { maxRetries: 0 } }] }
  const loaded = check({ ...given, hooks })
  expect(loaded.handlers.map((each) => each.name)).toEqual(["GateHandler", "LampHandler"])
  expect(loaded.hooks.map((each) => each.name)).toEqual([
    "my-club:after:booking.confirmed",
    "my-club:after:booking.confirmed:2",
    "my-club:before:booking.create",
  ])
  expect(check({ default: given }).handlers).toHaveLength(2)
})

test("the example is taken as it is", async () => {
  const { handlers, hooks } = await loadExtension(join(import.meta.dir, "../../examples/my-club.ts"), reservedNames)
  expect(handlers.map((each) => each.name)).toEqual(["GateHandler", "VisitsHandler"])
  expect(hooks.map(({ point }) => point)).toEqual(["before:booking.create", "after:booking.confirmed"])
})
