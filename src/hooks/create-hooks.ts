/** The hooks that an installation may have, and the check of their list. */
import { type Hooks, hookPoints } from "#base/hooks.ts"
import type { BeforeBookingCreate } from "#domain/booking/hooks.ts"
import type { BeforePaymentProcess } from "#domain/payments/hooks.ts"
import type { AfterHook } from "#events/after-hook.ts"

export type AnyHook = BeforeBookingCreate | BeforePaymentProcess | AfterHook

/** Checks a list of hooks: two hooks with one name are an error. */
export function createHooks(list: readonly AnyHook[]): Hooks {
  for (const [i, { name, point }] of list.entries()) {
    if (!Object.hasOwn(hookPoints, point)) throw new Error(`The hook ${name} names the unknown hook point ${point}.`)
    if (list.findIndex((hook) => hook.name === name) < i) throw new Error(`Two hooks are named ${name}.`)
  }
  return Object.freeze([...list])
}
