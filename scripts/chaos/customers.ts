// People who book, hold, confirm and cancel over HTTP, at a steady rate, each request under an Idempotency-Key. Whoever
// gets no answer asks again, at another server, until there is one; so what was answered is exactly what must be there.

import { type Answer, clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"

export type Status = "confirmed" | "cancelled" | "held"

export interface Customers {
  readonly facilityId: string
  /** Path of the club. */
  readonly at: string
  /** What the answers said since the last call: each booking with its last status. */
  readonly take: () => Map<string, Status>
  /** Bookings that were answered, in all. */
  readonly booked: () => number
  /** Requests answered so far. */
  readonly answered: () => number
  /** Requests that were repeated because no answer came. */
  readonly repeated: () => number
  /** Requests that never got a sensible answer. */
  readonly troubles: readonly string[]
  /** Requests per second of all together; Infinity: as fast as they are answered. */
  readonly setPace: (perSecond: number) => void
  /** Resolves when no request is under way. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  /** Books once, outside of the pace; answers the event's id. */
  readonly bookOnce: () => Promise<string>
  /** Sends a request until it is answered. */
  readonly ask: (path: string, body: unknown) => Promise<Answer<{ id: string; code?: string }>>
  readonly stop: () => Promise<void>
}

const people = 8
const courts = 20
const patienceMs = 5_000
const givesUpAfterMs = 60_000
const askAgainMs = 50

export interface CustomersOptions {
  readonly servers: readonly string[]
  readonly perSecond: number
  readonly random: () => number
}

export async function startCustomers({ servers, perSecond, random }: CustomersOptions): Promise<Customers> {
  const clients = servers.map((address) => clientOf(address))
  const club = await makeClub(clients[0] as never, { courts })
  const troubles: string[] = []
  let told = new Map<string, Status>()
  let nextSlot = 0
  let nextServer = 0
  let [booked, answered, repeated] = [0, 0, 0]
  let pace = perSecond
  let running = true
  let stopped = false
  let gate = Promise.withResolvers<void>()
  const busy = new Set<Promise<unknown>>()

  async function ask(path: string, body: unknown): Promise<Answer<{ id: string; code?: string }>> {
    const key = { "idempotency-key": crypto.randomUUID() }
    const until = performance.now() + givesUpAfterMs
    for (let last = ""; performance.now() < until; repeated++) {
      const client = clients[nextServer++ % clients.length] as (typeof clients)[number]
      const late = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => late.resolve(undefined), patienceMs)
      const post = client.post<{ id: string; code?: string }>(path, body, key).catch((error: Error) => error)
      const answer = await Promise.race([post, late.promise])
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
      if (performance.now() >= until) troubles.push(`no answer to POST ${path}; the last was: ${last || "none"}`)
    }
    throw new Unanswered()
  }

  const slotOf = (nth: number) => ({
    resourceId: club.resourceIds[nth % courts],
    bookerId: club.bookerId,
    ...atHour(Math.floor(nth / courts)),
  })
  const freshSlot = () => slotOf(nextSlot++)

  async function book(slot = freshSlot()): Promise<Answer<{ id: string }>> {
    const answer = await ask(`${club.at}/bookings`, { ...slot, paymentMethod: "waived" })
    if (answer.status === 201) became(answer.body.id, "confirmed")
    else if (answer.body.code !== "slot_taken")
      troubles.push(`booking: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }

  async function cancel(id: string): Promise<void> {
    const answer = await ask(`${club.at}/bookings/${id}/cancel`, { cancellationReason: "rain" })
    if (answer.status === 200) became(id, "cancelled")
    else troubles.push(`cancelling: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  async function holdAndConfirm(): Promise<void> {
    const held = await ask(`${club.at}/holds`, freshSlot())
    if (held.status !== 201) return void troubles.push(`hold: ${held.status} ${JSON.stringify(held.body)}`)
    became(held.body.id, "held")
    const chance = random()
    if (chance < 0.3) return
    const at = `${club.at}/bookings/${held.body.id}`
    // Half of them are cancelled in the same moment: whoever comes first, the log says it in that order.
    const [confirmed, cancelled] = await Promise.all([
      ask(`${at}/confirm`, { paymentMethod: "waived" }),
      chance < 0.65 ? ask(`${at}/cancel`, { cancellationReason: "rain" }) : undefined,
    ])
    if (confirmed.status === 200) became(held.body.id, "confirmed")
    else if (confirmed.body.code !== "hold_expired") troubles.push(`confirming: ${JSON.stringify(confirmed.body)}`)
    if (cancelled?.status === 200) became(held.body.id, "cancelled")
    else if (cancelled && cancelled.body.code !== "booking_not_confirmed")
      troubles.push(`cancelling at once: ${JSON.stringify(cancelled.body)}`)
  }

  /** Two want the same slot at the same moment; one gets it. */
  async function compete(): Promise<void> {
    const slot = freshSlot()
    const answers = await Promise.all([book(slot), book(slot)])
    const won = answers.filter(({ status }) => status === 201).length
    if (won !== 1) troubles.push(`two wanted one slot, and ${won} got it`)
  }

  async function visit(): Promise<void> {
    const what = random()
    if (what < 0.2) return holdAndConfirm()
    if (what < 0.3) return compete()
    const { status, body } = await book()
    if (status === 201 && what < 0.6) await cancel(body.id)
  }

  function became(id: string, status: Status): void {
    if (!known.has(id)) booked++
    known.add(id)
    told.set(id, status)
  }
  const known = new Set<string>()

  async function live(): Promise<void> {
    while (!stopped) {
      if (!running) await gate.promise
      if (stopped) return
      const work = visit().catch((error: unknown) => {
        if (!(error instanceof Unanswered)) troubles.push(String(error))
      })
      busy.add(work)
      await work.finally(() => busy.delete(work))
      if (Number.isFinite(pace)) await Bun.sleep((random() * 2 * 1000 * people) / pace)
    }
  }
  const lives = Array.from({ length: people }, live)

  return {
    facilityId: club.facilityId,
    at: club.at,
    take() {
      const taken = told
      told = new Map()
      return taken
    },
    booked: () => booked,
    answered: () => answered,
    repeated: () => repeated,
    troubles,
    setPace: (next) => {
      pace = next
    },
    async pause() {
      running = false
      while (busy.size > 0) await Promise.all(busy)
    },
    resume() {
      running = true
      gate.resolve()
      gate = Promise.withResolvers()
    },
    bookOnce: async () => {
      const answer = await book()
      return answer.headers.get("x-slotbase-event-ids") ?? ""
    },
    ask,
    async stop() {
      stopped = true
      gate.resolve()
      await Promise.all(lives)
    },
  }
}

class Unanswered extends Error {}

/** Ours to repeat: the server's failures, and a key whose first request is not over. */
const isFinal = (status: number, code: string | undefined) =>
  status < 500 && status !== 429 && code !== "still_in_flight"
