// Handlers that follow a script and report their calls and results to the model.
//
// - two are transactional: one takes single events, one a whole batch
// - two are external: one has retries, one must never be called twice

import { GiveUp, type HandledEvent, type Handler, type Outcome } from "#actors/handlers/handler.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type Call, type HandlerName, handlerNames, type Model } from "./model.ts"

/** The result for the event at a position: the script's entries in turn, repeated. */
export type Step = "done" | "skip" | "fail" | "giveUp" | "freeze"
export type Script = readonly Step[]

/** One pass of one handler of one process. */
export interface Passing {
  readonly model: Model
  readonly handler: HandlerName
  readonly script: Script
  readonly calls: Call[]
  readonly isDead: () => boolean
  /** Resolves when a run pauses in the middle. */
  readonly frozen: PromiseWithResolvers<void>
  /** Resumes the paused run; set once it pauses. */
  gate?: PromiseWithResolvers<void>
}

/** @param present the current pass of this handler in this process. */
export function scriptedHandlers(present: (handler: HandlerName) => Passing | undefined): readonly Handler[] {
  const behave = (name: HandlerName, event: HandledEvent, together: boolean, signal?: AbortSignal) => {
    const passing = present(name)
    // Ignore events that an earlier, failed case left behind.
    if (!passing || event.position <= passing.model.base) return Promise.resolve(undefined)
    return answer(passing, event, together, signal)
  }
  const [byOne, atOnce, external, once] = handlerNames
  return [
    {
      kind: "transactional",
      name: byOne,
      events: [],
      handle: async (tx, event) => {
        await effect(tx, byOne, event)
        return behave(byOne, event, false)
      },
    },
    {
      kind: "transactional",
      name: atOnce,
      events: [],
      handleAll: async (tx, events) => {
        const outcomes: Outcome[] = []
        for (const event of events) {
          await effect(tx, atOnce, event)
          outcomes.push(await behave(atOnce, event, events.length > 1))
        }
        return outcomes
      },
    },
    ...[external, once].map(
      (name): Handler => ({
        kind: "external",
        name,
        events: [],
        handle: (event, { signal }) => behave(name, event, false, signal),
      }),
    ),
  ]
}

const effect = (tx: Tx, handler: string, { position }: HandledEvent) =>
  tx`insert into effects (handler, position) values (${handler}, ${position})`

async function answer(
  passing: Passing,
  event: HandledEvent,
  together: boolean,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const { model, handler, script } = passing
  const step = model.eventAt(event.position)?.poisons.has(handler) ? "fail" : script[event.position % script.length]
  const message = `${handler} at ${event.position}, call ${model.nextCall()}`
  const call: Call = {
    position: event.position,
    eventId: event.id,
    outcome: "done",
    message,
    sure: false,
    late: passing.isDead(),
  }
  model.called(handler, call, passing.calls)
  passing.calls.push(call)
  if (step === "freeze" && !passing.gate) {
    call.outcome = "lost"
    passing.gate = Promise.withResolvers()
    passing.frozen.resolve()
    await untilAborted(passing.gate.promise, signal)
    call.outcome = "done"
  }
  if (step === "skip") {
    call.outcome = "skip"
    return { skipped: message }
  }
  if (step === "done" || step === "freeze") return undefined
  // A batch that is handled at once is rolled back as a whole; each event is then handled again by itself.
  call.outcome = together ? "lost" : step === "fail" ? "fail" : "giveUp"
  throw step === "giveUp" ? new GiveUp(message) : new Error(message)
}

const untilAborted = (gate: Promise<void>, signal: AbortSignal | undefined): Promise<void> =>
  Promise.race([
    gate,
    new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(new Error("told to stop")))),
  ])
