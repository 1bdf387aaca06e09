/**
 * The hook points of the specification (SYSTEM_HOOKS), and how before hooks run: one after the other, before the
 * transaction opens. They fail closed: a hook that throws, answers nonsense or is late blocks the request, and nothing is
 * written. After hooks run like any handler (actors/handlers/after-hooks.ts). A hook is one file in src/hooks/, named in
 * the list of src/hooks/registered.ts.
 */
import type { Caller } from "../access/caller.ts"
import type { BookingInput, HoldInput } from "../domain/booking/input.ts"
import type { PaymentAsked } from "../domain/payments/begin.ts"
import type { DomainEvent } from "../events/envelope.ts"
import { BlockedByHook, InvalidInput } from "./errors.ts"

/** All hook points, with the specification's limits. */
export const hookPoints = {
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
} as const
export type HookPoint = keyof typeof hookPoints

/** Fires once for each new booking row, direct or held; not again when a hold is confirmed. */
export interface BeforeBookingCreate {
  readonly point: "before:booking.create"
  readonly name: string
  readonly run: (input: BookingInput | HoldInput, context: BeforeContext) => Verdict | Promise<Verdict>
}

/** Undefined: go on. `block`: refuse with this reason. `modify`: go on with this input, which is parsed again. */
export type Verdict = undefined | { readonly block: string } | { readonly modify: unknown }

/**
 * Fires before each payment by card, also an automatic one; not for what staff took at the desk. It may block, and not modify:
 * what a payer agreed to is paid, or nothing.
 */
export interface BeforePaymentProcess {
  readonly point: "before:payment.process"
  readonly name: string
  readonly run: (payment: PaymentAsked, context: BeforeContext) => PaymentVerdict | Promise<PaymentVerdict>
}

/** Undefined: go on. `block`: refuse with this reason. */
export type PaymentVerdict = undefined | { readonly block: string }

export interface BeforeContext {
  readonly facilityId: string
  readonly caller: Caller
  /** Aborted when the time is up. */
  readonly signal: AbortSignal
}

/** Runs at least once for each event; the key is the event's id and the hook's name. */
export interface AfterHook {
  readonly point: "after:booking.confirmed" | "after:payment.succeeded"
  readonly name: string
  readonly run: (
    event: DomainEvent,
    context: { readonly signal: AbortSignal; readonly idempotencyKey: string },
  ) => Promise<void>
}

export type Hook = BeforeBookingCreate | BeforePaymentProcess | AfterHook

/** The hooks of an installation, in the order in which they run. */
export type Hooks = readonly Hook[]

/** Checks a list of hooks; two of one name are a mistake in it. */
export function createHooks(list: readonly Hook[]): Hooks {
  for (const [i, { name, point }] of list.entries()) {
    if (!Object.hasOwn(hookPoints, point)) throw new Error(`The hook ${name} names the unknown hook point ${point}.`)
    if (list.findIndex((hook) => hook.name === name) < i) throw new Error(`Two hooks are named ${name}.`)
  }
  return Object.freeze([...list])
}

/**
 * Answers the input as the hooks leave it. The time limit is the hook point's and counts for all its hooks together.
 * @param parse Checks an input that a hook has changed, and throws InvalidInput.
 * @throws BlockedByHook
 */
export async function runBeforeHooks<Input extends BookingInput | HoldInput>(
  hooks: Hooks | undefined,
  point: "before:booking.create",
  input: Input,
  context: Omit<BeforeContext, "signal">,
  parse: (changed: unknown) => Input,
  timeoutMs: number = hookPoints[point].timeoutMs,
): Promise<Input> {
  const due = (hooks ?? []).filter((hook): hook is BeforeBookingCreate => hook.point === point)
  return runAll(due, input, context, timeoutMs, (name, verdict, present) => decide(name, verdict, present, parse))
}

/**
 * Lets the hooks of before:payment.process look at a payment before anything of it is written.
 * @throws BlockedByHook
 */
export async function runPaymentHooks(
  hooks: Hooks | undefined,
  payment: PaymentAsked,
  context: Omit<BeforeContext, "signal">,
  timeoutMs: number = hookPoints["before:payment.process"].timeoutMs,
): Promise<void> {
  const due = (hooks ?? []).filter((hook): hook is BeforePaymentProcess => hook.point === "before:payment.process")
  const refuse = (name: string) => failed(name)(new Error("it tried to modify a payment, which no hook may"))
  await runAll(due, payment, context, timeoutMs, (name, verdict, present) =>
    decide(name, verdict, present, () => refuse(name)),
  )
}

interface BeforeHook<Input> {
  readonly name: string
  readonly run: (input: Input, context: BeforeContext) => unknown
}

/** One after the other, each on what the one before left; the time limit counts for all of them together. */
async function runAll<Input>(
  due: readonly BeforeHook<Input>[],
  input: Input,
  context: Omit<BeforeContext, "signal">,
  timeoutMs: number,
  judge: (name: string, verdict: unknown, present: Input) => Input,
): Promise<Input> {
  if (due.length === 0) return input
  const late = Promise.withResolvers<never>()
  const aborting = new AbortController()
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${timeoutMs} ms`)
    aborting.abort(error)
    late.reject(error)
  }, timeoutMs)
  late.promise.catch(() => {})
  try {
    let present = input
    for (const hook of due) {
      // A hook gets a copy: what it writes into it counts for nothing.
      const run = async () => hook.run(structuredClone(present), { ...context, signal: aborting.signal })
      present = judge(hook.name, await Promise.race([run(), late.promise]).catch(failed(hook.name)), present)
    }
    return present
  } finally {
    clearTimeout(timer)
  }
}

function decide<Input>(name: string, verdict: unknown, present: Input, parse: (changed: unknown) => Input): Input {
  if (verdict === undefined) return present
  if (typeof verdict === "object" && verdict !== null) {
    if ("block" in verdict && typeof verdict.block === "string") throw new BlockedByHook(name, verdict.block)
    if ("modify" in verdict && !("block" in verdict)) return parsed(name, verdict.modify, parse)
  }
  return failed(name)(new Error("neither undefined, nor { block }, nor { modify }"))
}

function parsed<Input>(name: string, changed: unknown, parse: (changed: unknown) => Input): Input {
  try {
    return parse(changed)
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error
    const faults = error.faults.map(({ path, message }) => `${path}: ${message}`).join("; ")
    return failed(name)(new Error(`it changed the input into one that is not valid: ${faults}`))
  }
}

/** The caller learns which hook failed; why is the operator's to see. */
const failed =
  (name: string) =>
  (cause: unknown): never => {
    process.emitWarning(`hook ${name}: ${cause instanceof Error ? cause.message : String(cause)}`)
    throw Object.assign(new BlockedByHook(name, `The hook ${name} failed, so the request is refused.`), { cause })
  }
