/**
 * The hook points of the specification (SYSTEM_HOOKS), and the run of before hooks: one after the other, before the
 * transaction opens. They fail closed: a hook that throws, answers nonsense or is late blocks the request, and nothing
 * is written. After hooks run like any handler (actors/handlers/after-hooks.ts). A hook is one file in src/hooks/,
 * named in the list of src/hooks/registered.ts.
 */
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

/** The context that a before hook gets beside its input; `Who` is the caller. */
export interface BeforeContext<Who = unknown> {
  readonly facilityId: string
  readonly caller: Who
  /** Aborted when the time is up. */
  readonly signal: AbortSignal
}

/** Any hook. Its input is described beside its point: booking/hooks.ts, payments/hooks.ts, events/after-hook.ts. */
export interface Hook {
  readonly point: HookPoint
  readonly name: string
}

/** The hooks of an installation, in the order in which they run. */
export type Hooks = readonly Hook[]

export interface BeforeHook<Input, Who> {
  readonly name: string
  readonly run: (input: Input, context: BeforeContext<Who>) => unknown
}

/**
 * An input as the before hooks of its point left it. A function that must not run without the hooks takes a `Hooked`
 * input. Only `runAll` makes one: this file exports the class as a type alone, and no copy has its private field.
 */
class Hooked<Input> {
  readonly #input: Input
  constructor(input: Input) {
    this.#input = input
  }
  get input(): Input {
    return this.#input
  }
}

export type { Hooked }

/** Runs the hooks one after the other; each gets the input as the hook before it left it. They share the time limit. */
export async function runAll<Input, Who>(
  due: readonly BeforeHook<Input, Who>[],
  input: Input,
  context: Omit<BeforeContext<Who>, "signal">,
  timeoutMs: number,
  judge: (name: string, verdict: unknown, present: Input) => Input,
): Promise<Hooked<Input>> {
  if (due.length === 0) return new Hooked(input)
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
      // A hook gets a copy, so its changes to the copy have no effect.
      const run = async () => hook.run(structuredClone(present), { ...context, signal: aborting.signal })
      present = judge(hook.name, await Promise.race([run(), late.promise]).catch(failed(hook.name)), present)
    }
    return new Hooked(present)
  } finally {
    clearTimeout(timer)
  }
}

export function decide<Input>(
  name: string,
  verdict: unknown,
  present: Input,
  parse: (changed: unknown) => Input,
): Input {
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

/** The caller learns which hook failed. Only the operator sees why. */
export const failed =
  (name: string) =>
  (cause: unknown): never => {
    process.emitWarning(`hook ${name}: ${cause instanceof Error ? cause.message : String(cause)}`)
    throw Object.assign(new BlockedByHook(name, `The hook ${name} failed, so the request is refused.`), { cause })
  }
