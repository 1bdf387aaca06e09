// Before hooks: what each may do. Every failure of a hook refuses the request.

import { describe, expect, test } from "bun:test"
import { type Caller, requireMember } from "#access/caller.ts"
import { hookPoints } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { decode } from "#base/schema/decode.ts"
import { type BeforeBookingCreate, runBeforeHooks } from "#domain/booking/hooks.ts"
import { HoldInput } from "#domain/booking/input.ts"
import { type BeforePaymentProcess, runPaymentHooks } from "#domain/payments/hooks.ts"
import { type AnyHook, createHooks } from "#hooks/create-hooks.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

const input: HoldInput = { resourceId: newId(), startAt: "2031-03-04T10:00:00Z", endAt: "2031-03-04T11:00:00Z" }
const facilityId = newId()
const caller: Caller = {
  userId: newId(),
  kind: "person",
  name: "Mia",
  email: null,
  grants: [{ role: "player", scopeType: "facility", scopeId: facilityId }],
  tokenExpiresAt: null,
}
const member = requireMember(caller, facilityId)
const context = { facilityId, caller }
const hook = (name: string, run: BeforeBookingCreate["run"]): AnyHook => ({ point: "before:booking.create", name, run })
const parse = (changed: unknown) => decode(HoldInput, changed, "body")
const go = async (hooks: AnyHook[], timeoutMs?: number) =>
  (await runBeforeHooks(createHooks(hooks), member, input, parse, timeoutMs)).input

test("the hook points are the specification's", () => {
  expect(hookPoints).toEqual({
    "before:booking.create": {
      description: "Before a booking is created",
      canBlock: true,
      canModify: true,
      timeoutMs: 5000,
    },
    "before:payment.process": {
      description: "Before payment is processed",
      canBlock: true,
      canModify: false,
      timeoutMs: 5000,
    },
    "after:booking.confirmed": { description: "After booking is confirmed", canBlock: false, canModify: false },
    "after:payment.succeeded": { description: "After payment succeeds", canBlock: false, canModify: false },
  })
})

test("without hooks the input is unchanged", async () => {
  expect(await go([])).toBe(input)
  expect((await runBeforeHooks(undefined, member, input, parse)).input).toBe(input)
})

test("hooks run in order, each on the result of the one before", async () => {
  const seen: unknown[] = []
  const result = await go([
    hook("later", (given) => ({ modify: { ...given, endAt: "2031-03-04T12:00:00Z" } })),
    hook("looks", async (given, { facilityId }) => {
      seen.push(given.endAt, facilityId)
      return undefined
    }),
    hook("league", (given) => ({ modify: { ...given, bookingType: "league" } })),
  ])
  expect(result).toEqual({ ...input, endAt: "2031-03-04T12:00:00Z", bookingType: "league" })
  expect(seen).toEqual(["2031-03-04T12:00:00Z", context.facilityId])
})

test("a hook cannot change the input except by its answer", async () => {
  const result = await go([
    hook("sneaky", (given) => {
      Object.assign(given, { endAt: "2031-03-04T23:00:00Z" })
      return undefined
    }),
  ])
  expect(result).toEqual(input)
})

describe("refused", () => {
  test("with the hook's own reason, and no later hook runs", async () => {
    let after = false
    const refused = go([
      hook("weather", () => ({ block: "The courts are under water." })),
      hook("after", () => {
        after = true
        return undefined
      }),
    ])
    expect(await failure(refused)).toMatchObject({
      _tag: "BlockedByHook",
      hook: "weather",
      reason: "The courts are under water.",
    })
    expect(after).toBe(false)
  })

  const broken: [string, BeforeBookingCreate["run"]][] = [
    [
      "throws",
      () => {
        throw new Error("secret of the inside")
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("secret of the inside")
      },
    ],
    ["answers nonsense", (() => "yes") as never],
    ["answers null", (() => null) as never],
    ["blocks and modifies at once", ((given: unknown) => ({ block: 7, modify: given })) as never],
    ["makes the input invalid", (given) => ({ modify: { ...given, endAt: given.startAt } })],
    ["adds what nobody knows", (given) => ({ modify: { ...given, priceAmount: 0 } })],
    ["never ends", () => new Promise(() => {})],
  ]
  test.each(broken)("when the hook %s, without telling why", async (_, run) => {
    expect(await failure(go([hook("broken", run)], 20))).toMatchObject({
      _tag: "BlockedByHook",
      hook: "broken",
      reason: "The hook broken failed, so the request is refused.",
    })
  })

  test("when all hooks together take too long, and their signal is aborted", async () => {
    let aborted = false
    const slow = hook(
      "slow",
      (_, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            aborted = true
            resolve(undefined)
          }),
        ),
    )
    expect(await failure(go([slow], 20))).toMatchObject({ _tag: "BlockedByHook", hook: "slow" })
    expect(aborted).toBe(true)
  })
})

describe("before a payment", () => {
  const payment = {
    facilityId: context.facilityId,
    referenceType: "booking",
    referenceId: newId(),
    payerId: caller.userId,
    amount: 2400,
    currency: "EUR",
    paymentMethod: "card",
  } as const
  const pay = (run: BeforePaymentProcess["run"], timeoutMs?: number) =>
    runPaymentHooks(createHooks([{ point: "before:payment.process", name: "check", run }]), payment, context, timeoutMs)

  test("a hook lets it pass, or blocks it with its reason", async () => {
    expect((await pay(() => undefined)).input).toEqual(payment)
    expect(await failure(pay(() => ({ block: "Too much." })))).toMatchObject({ hook: "check", reason: "Too much." })
    await runPaymentHooks(undefined, payment, context)
    await runPaymentHooks(createHooks([hook("of bookings", () => ({ block: "Never." }))]), payment, context)
  })

  test.each([
    ["modifies it", () => ({ modify: payment })],
    ["answers nonsense", () => "yes"],
    ["never ends", () => new Promise(() => {})],
  ])("a hook that %s fails closed", async (_, run) => {
    expect(await failure(pay(run as never, 20))).toMatchObject({
      _tag: "BlockedByHook",
      reason: "The hook check failed, so the request is refused.",
    })
  })
})

test("two hooks of one name, and a hook at no known point, are errors of the list", () => {
  const one = hook("one", () => undefined)
  expect(() => createHooks([one, one])).toThrow("Two hooks are named one.")
  const lost = { ...one, point: "before:breakfast" } as unknown as AnyHook
  expect(() => createHooks([lost])).toThrow("The hook one names the unknown hook point before:breakfast.")
})
