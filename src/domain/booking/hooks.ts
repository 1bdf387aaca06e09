/** The hook point before:booking.create: what a hook gets and answers, and how its hooks are run. */
import type { Caller } from "#access/caller.ts"
import { type BeforeContext, decide, type Hook, type Hooks, hookPoints, runAll } from "#base/hooks.ts"
import type { BookingInput, HoldInput } from "./input.ts"

/** Fires once for each new booking row, direct or held; not again when a hold is confirmed. */
export interface BeforeBookingCreate {
  readonly point: "before:booking.create"
  readonly name: string
  readonly run: (input: BookingInput | HoldInput, context: BeforeContext<Caller>) => Verdict | Promise<Verdict>
}

/** Undefined: go on. `block`: refuse with this reason. `modify`: go on with this input, which is parsed again. */
export type Verdict = undefined | { readonly block: string } | { readonly modify: unknown }

/**
 * Answers the input as the hooks leave it. The time limit is the hook point's and counts for all its hooks together.
 * @param parse Checks an input that a hook has changed, and throws InvalidInput.
 * @throws BlockedByHook
 */
export async function runBeforeHooks<Input extends BookingInput | HoldInput>(
  hooks: Hooks | undefined,
  point: "before:booking.create",
  input: Input,
  context: Omit<BeforeContext<Caller>, "signal">,
  parse: (changed: unknown) => Input,
  timeoutMs: number = hookPoints[point].timeoutMs,
): Promise<Input> {
  const due = (hooks ?? []).filter(isCreate)
  return runAll(due, input, context, timeoutMs, (name, verdict, present) => decide(name, verdict, present, parse))
}

const isCreate = (hook: Hook): hook is BeforeBookingCreate => hook.point === "before:booking.create"
