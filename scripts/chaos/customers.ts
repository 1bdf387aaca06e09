// The customers: they book, hold, confirm and cancel over HTTP at a steady rate. Each request is repeated until it is
// answered, so the tables must agree with the answers.

import { type Answer, clientOf, makeClub } from "#test/harness/api/client.ts"
import { type RepeatingClient, startRepeatingClient, Unanswered } from "./repeating-client.ts"
import { makeVisits, type Status } from "./visits.ts"

export interface Customers {
  readonly facilityId: string
  /** Path of the club. */
  readonly at: string
  /** Each booking that was answered since the last call, with its last status. */
  readonly take: () => Map<string, Status>
  /** Bookings answered so far. */
  readonly booked: () => number
  /** Requests answered so far. */
  readonly answered: () => number
  /** Requests that were repeated because no answer came. */
  readonly repeated: () => number
  /** A sentence for each request that was never answered, or got an answer that must not come. */
  readonly troubles: readonly string[]
  /** Requests per second of all customers together; Infinity: as fast as they are answered. */
  readonly setPace: (perSecond: number) => void
  /** Resolves when no request is under way. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  /** Books one slot, whatever the pace is; answers the event's id. */
  readonly bookOnce: () => Promise<string>
  /** Books one slot and cancels it; answers the event's id. */
  readonly cancelOnce: () => Promise<string>
  /** Sends a request until it is answered. */
  readonly ask: RepeatingClient["ask"]
  readonly stop: () => Promise<void>
}

const people = 8
const courts = 20

export interface CustomersOptions {
  readonly servers: readonly string[]
  readonly perSecond: number
  readonly random: () => number
}

export async function startCustomers({ servers, perSecond, random }: CustomersOptions): Promise<Customers> {
  const club = await makeClub(clientOf(servers[0] ?? ""), { courts })
  const troubles: string[] = []
  const client = startRepeatingClient(servers, troubles)
  const visits = makeVisits(club, client.ask, random, troubles)
  let pace = perSecond
  let running = true
  let stopped = false
  let gate = Promise.withResolvers<void>()
  const busy = new Set<Promise<unknown>>()

  /** One customer: a visit, a pause, the next visit. */
  async function keepVisiting(): Promise<void> {
    while (!stopped) {
      if (!running) await gate.promise
      if (stopped) return
      const visit = visits.visit().catch((error: unknown) => {
        if (!(error instanceof Unanswered)) troubles.push(String(error))
      })
      busy.add(visit)
      await visit.finally(() => busy.delete(visit))
      if (Number.isFinite(pace)) await Bun.sleep((random() * 2 * 1000 * people) / pace)
    }
  }
  const everybody = Array.from({ length: people }, keepVisiting)

  return {
    facilityId: club.facilityId,
    at: club.at,
    take: visits.take,
    booked: visits.booked,
    answered: client.answered,
    repeated: client.repeated,
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
    bookOnce: async () => eventOf(await visits.book()),
    cancelOnce: async () => {
      const { body } = await visits.book()
      return eventOf(await visits.cancel(body.id))
    },
    ask: client.ask,
    async stop() {
      stopped = true
      client.stop()
      gate.resolve()
      await Promise.all(everybody)
    },
  }
}

const eventOf = ({ headers }: Answer<unknown>): string =>
  headers.get("x-slotbase-event-ids")?.split(",")[0]?.trim() ?? ""
