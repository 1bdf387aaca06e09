// The receiver of the integrators' webhooks: one address for each. It keeps every request with its attempt. Each
// address fails, asks to wait or is gone as it is told.

import type { ReceivedRequest } from "#scripts/chaos/receivers.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { isSignedBy } from "./signed.ts"

/** How an address answers. */
export interface Mood {
  /** The share of requests that get 503. */
  readonly fails?: number
  /** The share of requests that get 429 with Retry-After. */
  readonly asksToWait?: number
  /** Every request gets 410. */
  readonly isGone?: true
}

/** The first arrival of an event at an ordered webhook. */
export interface InOrder {
  readonly position: number
  readonly aggregate: string
}

export interface IntegratorReceiver {
  /** @param name of the webhook; the address ends with it. */
  readonly urlOf: (name: string) => string
  readonly setMood: (name: string, mood: Mood) => void
  /** Every address answers 200, except those that are gone. */
  readonly calm: () => void
  /** Requests of this address must be signed by one of these secrets. */
  readonly accept: (name: string, secrets: readonly string[]) => void
  /** The sequence numbers that were answered with 200, since the start. */
  readonly numbersOf: (name: string) => ReadonlySet<number>
  /** Attempts that were answered with 200 lately, of any of these addresses. */
  readonly latelyAnswered: () => readonly string[]
  /** The first arrivals at the address, since the last call. Redeliveries are left out. */
  readonly takeFirst: (name: string) => readonly InOrder[]
  /** All requests since the last call. */
  readonly take: () => ReceivedRequest[]
  /** A sentence for each request that no accepted secret had signed, since the last call. */
  readonly takeTroubles: () => readonly string[]
  readonly stop: () => Promise<void>
}

/** Short, because a second pause in a row is longer. */
const retryAfterSeconds = 1
const keptLately = 50

/** @param random decides which request fails. */
export function startIntegratorReceiver(random: () => number): IntegratorReceiver {
  const moods = new Map<string, Mood>()
  const secrets = new Map<string, readonly string[]>()
  const numbers = new Map<string, Set<number>>()
  const positions = new Map<string, Set<number>>()
  let lately: string[] = []
  const requests: ReceivedRequest[] = []
  const troubles: string[] = []
  const first = new Map<string, InOrder[]>()

  const receiver = startReceiver((request) => {
    const { headers, body, url } = request
    const name = new URL(url).pathname.split("/").at(-1) ?? ""
    const attempt = headers.get("x-slotbase-delivery-id") ?? ""
    const got: ReceivedRequest = { attempt, event: headers.get("x-slotbase-event-id") ?? "", answered: false }
    requests.push(got)
    const accepted = secrets.get(name)
    if (accepted && !accepted.some((secret) => isSignedBy(secret, request)))
      troubles.push(`a request to ${name} is signed by no secret that its receiver has`)
    noteOrder(name, headers, body)
    const { fails = 0, asksToWait = 0, isGone } = moods.get(name) ?? {}
    if (isGone) return new Response("gone", { status: 410 })
    if (random() < fails) return new Response("no", { status: 503 })
    if (random() < asksToWait)
      return new Response("later", { status: 429, headers: { "retry-after": `${retryAfterSeconds}` } })
    got.answered = true
    lately = [...lately, attempt].slice(-keptLately)
    const sequence = Number(headers.get("x-slotbase-sequence"))
    if (sequence > 0) setOf(numbers, name).add(sequence)
    return new Response("ok")
  })

  function noteOrder(name: string, headers: Headers, body: string): void {
    const position = Number(headers.get("x-slotbase-position"))
    const seen = setOf(positions, name)
    if (headers.has("x-slotbase-redelivery") || seen.has(position)) return
    seen.add(position)
    const { data } = JSON.parse(body) as { data: { bookingId?: string } }
    const list = first.get(name) ?? []
    first.set(name, list)
    list.push({ position, aggregate: data.bookingId ?? "" })
  }

  return {
    urlOf: (name) => receiver.url.replace(/hook$/, name),
    setMood: (name, mood) => moods.set(name, mood),
    calm() {
      for (const [name, { isGone }] of moods) moods.set(name, isGone ? { isGone } : {})
    },
    accept: (name, accepted) => secrets.set(name, accepted),
    numbersOf: (name) => setOf(numbers, name),
    latelyAnswered: () => lately,
    takeFirst(name) {
      const taken = first.get(name) ?? []
      first.delete(name)
      return taken
    },
    take: () => requests.splice(0),
    takeTroubles: () => troubles.splice(0),
    stop: receiver.stop,
  }
}

function setOf(sets: Map<string, Set<number>>, name: string): Set<number> {
  const known = sets.get(name) ?? new Set<number>()
  sets.set(name, known)
  return known
}
