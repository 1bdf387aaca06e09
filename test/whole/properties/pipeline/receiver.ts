// The receiver of all webhooks of a case: it follows a script, holds some requests back, and reports requests to the
// model. It accepts requests of unknown webhooks, which belong to failed cases.

import type { Model, Request } from "./model.ts"

/** The answer for the event at a position: the script's entries in turn, repeated. */
export type Answer = 200 | 500 | 410 | "hold"

export interface ScriptedReceiver {
  readonly url: string
  script: readonly Answer[]
  model: Model | undefined
  /** The number of requests that wait for an answer. */
  readonly held: () => number
  /** Answers all waiting requests. */
  readonly release: (status: number) => void
  /** Answers all waiting and all later requests with 200. */
  readonly calm: () => void
  readonly stop: () => Promise<void>
}

export function scriptedReceiver(): ScriptedReceiver {
  const held = new Set<(status: number) => void>()

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { headers } = request
      const body = await request.text()
      const position = Number(headers.get("x-slotbase-position"))
      const one: Request = {
        attemptId: headers.get("x-slotbase-delivery-id") ?? "",
        eventId: headers.get("x-slotbase-event-id") ?? "",
        sequence: Number(headers.get("x-slotbase-sequence")),
        position,
        body,
      }
      const { model, script } = receiver
      const delivery = model?.requested(new URL(request.url).pathname.slice(1), one)
      const step = delivery?.event.poisons.has("webhooks") ? 500 : (script[position % script.length] ?? 200)
      one.status = step === "hold" ? await new Promise<number>((resolve) => held.add(resolve)) : step
      return new Response(null, { status: one.status })
    },
  })

  const receiver: ScriptedReceiver = {
    url: `http://127.0.0.1:${server.port}`,
    script: [200],
    model: undefined,
    held: () => held.size,
    release(status) {
      for (const answer of held) answer(status)
      held.clear()
    },
    calm() {
      receiver.script = [200]
      receiver.release(200)
    },
    stop: () => server.stop(true),
  }
  return receiver
}
