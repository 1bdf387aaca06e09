/** The hook point before:payment.process: what a hook gets and answers, and how its hooks are run. */
import type { Caller } from "#access/caller.ts"
import {
  type BeforeContext,
  decide,
  failed,
  type Hook,
  type Hooked,
  type Hooks,
  hookPoints,
  runAll,
} from "#base/hooks.ts"
import type { PaymentAsked } from "./begin.ts"

/**
 * Fires before each payment by card, also an automatic one, and not for payments at the desk. It may block, but not
 * modify: the payer pays the agreed amount or nothing.
 */
export interface BeforePaymentProcess {
  readonly point: "before:payment.process"
  readonly name: string
  readonly run: (payment: PaymentAsked, context: BeforeContext<Caller>) => PaymentVerdict | Promise<PaymentVerdict>
}

/** Undefined: go on. `block`: refuse with this reason. */
export type PaymentVerdict = undefined | { readonly block: string }

/**
 * Lets the hooks of before:payment.process check a payment before anything of it is written.
 * @throws BlockedByHook
 */
export async function runPaymentHooks(
  hooks: Hooks | undefined,
  payment: PaymentAsked,
  context: Omit<BeforeContext<Caller>, "signal">,
  timeoutMs: number = hookPoints["before:payment.process"].timeoutMs,
): Promise<Hooked<PaymentAsked>> {
  const due = (hooks ?? []).filter(isProcess)
  const refuse = (name: string) => failed(name)(new Error("it tried to modify a payment, which no hook may"))
  return runAll(due, payment, context, timeoutMs, (name, verdict, present) =>
    decide(name, verdict, present, () => refuse(name)),
  )
}

const isProcess = (hook: Hook): hook is BeforePaymentProcess => hook.point === "before:payment.process"
