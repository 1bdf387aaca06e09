// Whether a turn waits for a claim of something older, and what it offers then. The claims themselves are played.

import { beforeEach, expect, test } from "bun:test"
import type { Claimer } from "#actors/deliveries/claimer.ts"
import type { TargetWebhook } from "#actors/deliveries/delivery.ts"
import { type Endpoint, newEndpoint } from "#actors/deliveries/endpoint.ts"
import type { Finder } from "#actors/deliveries/finder.ts"
import { TurnOffers } from "#actors/deliveries/turn-offers.ts"
import type { Turn } from "#actors/runtime/turns.ts"
import { newId } from "#base/ids.ts"
import { actorProcess } from "#test/harness/pipeline/pipeline.ts"

const target = { format: "slotbase", format_changed_at: null, next_auth_config: null, paced: false, version: 1 }
let endpoint: Endpoint
let offers: TurnOffers
let waits: number

beforeEach(() => {
  endpoint = newEndpoint(newId(), newId(), 0)
  Object.assign(endpoint, { averageMs: 1, maxRequests: 5, target: target as unknown as TargetWebhook })
  waits = 0
  const claimer: Pick<Claimer, "beginTurn" | "caughtUp"> = {
    beginTurn: () => ({ held: 0, end: () => {} }),
    caughtUp: async () => {
      waits++
      endpoint.ready = false
    },
  }
  offers = new TurnOffers({
    process: actorProcess(1),
    claimer: claimer as Claimer,
    finder: { seen: 0, skip: () => {} } as unknown as Finder,
    settler: { lend: () => undefined },
    onClaimed: () => {},
  })
  offers.answered(endpoint)
})

const offered = async () => (await offers.join()).offer.webhooks.map(({ id }) => id)
const aTurn = (given: Partial<Turn>): Turn => ({
  ...{ dispatched: 0, top: 0, waitsForCheck: false, unclaimed: false, epoch: null },
  ...{ events: new Map(), eventIds: [], deliveries: [], settled: [] },
  ...given,
})

test("a turn waits until a webhook has claimed what is older, and offers it then", async () => {
  expect(await offered()).toEqual([endpoint.id])
  expect(waits).toBe(1)
  expect(await offered()).toEqual([endpoint.id])
  expect(waits).toBe(1)
})

test("it does not wait for a webhook that has no place free, and does not offer it", async () => {
  endpoint.busy = 1_000
  expect(await offered()).toEqual([])
  expect(waits).toBe(0)
})

test("after a turn that dispatched many events at once it does not wait", async () => {
  ;(await offers.join()).taken(aTurn({ dispatched: 500 }))
  endpoint.ready = true
  expect(await offered()).toEqual([])
  ;(await offers.join()).taken(aTurn({ dispatched: 1, eventIds: [newId()] }))
  expect(await offered()).toEqual([endpoint.id])
  expect(waits).toBe(2)
})
