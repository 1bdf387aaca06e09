// A client that repeats a request until a server answers it. Each try goes to the next server, under the same
// Idempotency-Key. So an answered request was executed exactly once, whatever happened to the tries before.

import { type Answer, clientOf } from "#test/harness/api/client.ts"

export type AskedAnswer = Answer<{ id: string; code?: string }>

export type AskedMethod = "POST" | "DELETE"

export interface RepeatingClient {
  /** Sends a request until it is answered. Throws Unanswered when the time is up or the client was stopped. */
  readonly ask: (path: string, body: unknown, method?: AskedMethod) => Promise<AskedAnswer>
  /** Requests answered so far. */
  readonly answered: () => number
  /** Tries that were repeated because no final answer came. */
  readonly repeated: () => number
  readonly stop: () => void
}

const patienceMs = 5_000
const givesUpAfterMs = 60_000
const askAgainMs = 50

export class Unanswered extends Error {
  readonly _tag = "Unanswered"
}

/** @param troubles gets a sentence for each request that was never answered. */
export function startRepeatingClient(servers: readonly string[], troubles: string[]): RepeatingClient {
  const clients = servers.map((address) => clientOf(address))
  let nextServer = 0
  let [answered, repeated] = [0, 0]
  let stopped = false

  async function ask(path: string, body: unknown, method: AskedMethod = "POST"): Promise<AskedAnswer> {
    const key = { "idempotency-key": crypto.randomUUID() }
    const until = performance.now() + givesUpAfterMs
    for (let last = ""; performance.now() < until; repeated++) {
      const client = clients[nextServer++ % clients.length] as (typeof clients)[number]
      const late = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => late.resolve(undefined), patienceMs)
      const sent = method === "POST" ? client.post(path, body, key) : client.delete(path, key)
      const tried = (sent as Promise<AskedAnswer>).catch((error: Error) => error)
      const answer = await Promise.race([tried, late.promise])
      clearTimeout(timer)
      if (answer !== undefined && !(answer instanceof Error)) {
        last = `${answer.status} ${JSON.stringify(answer.body)}`
        if (isFinal(answer.status, answer.body.code)) {
          answered++
          return answer
        }
      }
      await Bun.sleep(askAgainMs)
      if (stopped) break
      if (performance.now() >= until) troubles.push(`no answer to ${method} ${path}; the last was: ${last || "none"}`)
    }
    throw new Unanswered()
  }

  return {
    ask,
    answered: () => answered,
    repeated: () => repeated,
    stop: () => {
      stopped = true
    },
  }
}

/** Not final: the server's failures, a full limit, and a key whose first request is still in flight. */
const isFinal = (status: number, code: string | undefined) =>
  status < 500 && status !== 429 && code !== "still_in_flight"
