/** The hook point before:booking.create: what a hook gets and answers, and how its hooks are run. */
import type { Caller, Member } from "#access/caller.ts"
import { InvalidInput } from "#base/errors.ts"
import { type BeforeContext, decide, type Hook, type Hooked, type Hooks, hookPoints, runAll } from "#base/hooks.ts"
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
  { caller, facilityId }: Member,
  input: Input,
  parse: (changed: unknown) => Input,
  timeoutMs: number = hookPoints["before:booking.create"].timeoutMs,
): Promise<Hooked<Input>> {
  return runAll(dueOf(hooks), input, { caller, facilityId }, timeoutMs, (name, verdict, present) =>
    decide(name, verdict, present, parse),
  )
}

/**
 * The same for an offer of the waitlist that is accepted. The hold of an offer is made where somebody else frees the
 * slot, and no hook may run there. A hook may block the acceptance, but not change the offered booking.
 * @param offered reads the offered booking, if there is a hook to see it; undefined: nothing is offered.
 * @throws BlockedByHook
 */
export async function runAcceptHooks<Acceptance>(
  hooks: Hooks | undefined,
  { caller, facilityId }: Member,
  acceptance: Acceptance,
  offered: () => Promise<BookingInput | undefined>,
): Promise<Hooked<Acceptance>> {
  const listening = dueOf(hooks)
  const booking = listening.length === 0 ? undefined : await offered()
  const due = booking === undefined ? [] : listening.map((hook) => seeing(hook, booking))
  const { timeoutMs } = hookPoints["before:booking.create"]
  return runAll(due, acceptance, { caller, facilityId }, timeoutMs, (name, verdict, present) =>
    decide(name, verdict, present, takenAsItIs),
  )
}

/** The hook, made to see this booking instead of the input that it is given. */
const seeing = ({ name, run }: BeforeBookingCreate, booking: BookingInput) => ({
  name,
  run: (_: unknown, context: BeforeContext<Caller>) => run(structuredClone(booking), context),
})

const takenAsItIs = (): never => {
  throw new InvalidInput([{ path: "body", message: "An offer is taken as it is" }])
}

const dueOf = (hooks: Hooks | undefined) => (hooks ?? []).filter(isCreate)
const isCreate = (hook: Hook): hook is BeforeBookingCreate => hook.point === "before:booking.create"
