/**
 * What a turn of the dispatcher may claim for this process, and what becomes of it. Webhooks are offered that answer
 * fast and have nothing older waiting. Their requests leave when the turn has committed. Everything else is claimed as
 * ever (claimer.ts). An offer is only a wish: the turn claims what the database allows (slotbase.turn).
 */

import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import type { JoinTurn, OfferedWebhook, Turn } from "#actors/runtime/turns.ts"
import { reached } from "#base/crash-points.ts"
import { isBreakerOpen } from "./breaker.ts"
import type { Claimer } from "./claimer.ts"
import type { ClaimedDelivery, TargetWebhook } from "./delivery.ts"
import { type Endpoint, freePlaces, isTrusted, timesAhead } from "./endpoint.ts"
import type { Finder } from "./finder.ts"
import { settlesWithTurn } from "./settle-rows.ts"
import type { Settler } from "./settler.ts"

export interface TurnOffersTools {
  readonly process: ActorProcess
  readonly claimer: Claimer
  readonly finder: Finder
  readonly settler: Pick<Settler, "lend">
  /** Deliveries were claimed for the endpoint. */
  readonly onClaimed: (endpoint: Endpoint) => void
}

export const turnLimits = {
  /** Webhooks that are offered: those that have answered last. */
  webhooks: 128,
  /** Deliveries of one turn. */
  most: 64,
  /**
   * While more is held, nothing is offered. So what turns claim never fills the places of the ordinary claims, and no
   * facility gets more than its share by turns.
   */
  held: 192,
  /** A webhook whose last claim lies further back is claimed in the ordinary way first, which moves its floor up. */
  positionsBack: 10_000,
}

/**
 * How long a turn waits for the ordinary claim of something older, milliseconds. A turn beside that claim would leave
 * its deliveries to the next claim, and so would the turn after it. That went on for a tenth of a second.
 */
const patienceMs = 10

export class TurnOffers {
  readonly #tools: TurnOffersTools
  /** Those that have answered last, in that order. */
  readonly #answering = new Set<Endpoint>()
  /** The last turn dispatched its events one by one. */
  #wasSmall = true

  constructor(tools: TurnOffersTools) {
    this.#tools = tools
  }

  /** The webhook has answered with success. */
  answered(endpoint: Endpoint): void {
    this.#answering.delete(endpoint)
    this.#answering.add(endpoint)
    const [oldest] = this.#answering
    if (oldest && this.#answering.size > turnLimits.webhooks) this.#answering.delete(oldest)
  }

  /** A turn that was given up as hanging may come back beside its successor, so each turn has its own share. */
  readonly join: JoinTurn = async () => {
    const { claimer, process, settler } = this.#tools
    if (this.#wasSmall && this.#hasOlder()) await claimer.caughtUp(patienceMs)
    const { held, end } = claimer.beginTurn()
    // A run that is suspected of crashing its process would take what is claimed beside it along.
    const isOpen = held !== undefined && held <= turnLimits.held && !process.quarantine.hasRun
    // What is ready may have something older waiting.
    const clear = isOpen ? [...this.#answering].filter(({ ready }) => !ready) : []
    const offered = clear.flatMap((endpoint) => this.#offer(endpoint))
    const lent = settler.lend()
    return {
      offer: {
        owner: process.owner(),
        webhooks: offered.map(({ webhook }) => webhook),
        most: turnLimits.most,
        ends: lent && settlesWithTurn(lent.results),
      },
      taken: (turn) => {
        lent?.end(turn.settled)
        this.#wasSmall = turn.eventIds.length === turn.dispatched
        end(turn.deliveries.map(({ lease }) => lease))
        this.#take(turn, offered)
      },
      lost: () => {
        lent?.end([])
        // A turn that was offered nothing has claimed nothing.
        end(offered.length === 0 ? [] : undefined)
      },
    }
  }

  /** A webhook that is only kept from the turn by a claim of something older. */
  #hasOlder(): boolean {
    return this.#answering.values().some((endpoint) => endpoint.ready && this.#offer(endpoint).length > 0)
  }

  #offer(endpoint: Endpoint): Offered[] {
    const now = performance.now()
    const { target, breaker, busy, claimedUpTo } = endpoint
    if (target === undefined || !isFixed(target) || !isTrusted(endpoint, now)) return []
    if (breaker.failures > 0 || isBreakerOpen(breaker, now) || endpoint.heldUntil > now) return []
    if (this.#tools.finder.seen - claimedUpTo > turnLimits.positionsBack) return []
    const ahead = timesAhead(endpoint, now)
    const cap = Math.min(busy + turnLimits.most, breaker.requests * ahead)
    if (freePlaces(endpoint, ahead, cap) <= 0) return []
    return [
      { endpoint, target, webhook: { id: endpoint.id, version: target.version, after: claimedUpTo, ahead, cap, busy } },
    ]
  }

  #take(turn: Turn, offered: readonly Offered[]): void {
    const { finder, onClaimed } = this.#tools
    if (!turn.unclaimed) finder.skip(turn.top, turn.top + turn.dispatched)
    if (turn.deliveries.length === 0) return
    reached("attempts-written")
    const claimed = Map.groupBy(turn.deliveries, ({ webhook_id }) => webhook_id)
    for (const { endpoint, target, webhook } of offered) {
      const rows = claimed.get(endpoint.id)
      if (rows === undefined) continue
      const deliveries = rows.map((row) => deliveryOf(turn, row, target))
      endpoint.maxRequests = rows[0]?.places ?? endpoint.maxRequests
      // Unless its claims were told to start from the front again meanwhile.
      if (endpoint.claimedUpTo >= webhook.after)
        for (const { position } of deliveries) endpoint.claimedUpTo = Math.max(endpoint.claimedUpTo, position)
      endpoint.busy += deliveries.length
      endpoint.waiting.push(...deliveries)
      onClaimed(endpoint)
    }
  }
}

interface Offered {
  readonly endpoint: Endpoint
  readonly target: TargetWebhook
  readonly webhook: OfferedWebhook
}

/**
 * The whole of the row is told by its version. A rotation that is under way ends with time, and a format other than the
 * default uses the name of its facility.
 */
const isFixed = ({ format, format_changed_at, next_auth_config, paced }: TargetWebhook) =>
  format === "slotbase" && format_changed_at === null && next_auth_config === null && !paced

function deliveryOf(turn: Turn, row: Turn["deliveries"][number], target: TargetWebhook): ClaimedDelivery {
  const { nth, ...claimed } = row
  const eventId = turn.eventIds[nth - 1]
  if (eventId === undefined || turn.epoch === null) throw new Error("a turn has claimed a delivery without its event")
  return {
    ...claimed,
    position: turn.top + nth,
    replay: 0,
    event_id: eventId,
    failures: 0,
    unknowns: 0,
    fresh: true,
    aggregate_id: null,
    quarantined: false,
    claimed_version: target.version,
    webhook: target.epoch === turn.epoch ? target : { ...target, epoch: turn.epoch },
    event: turn.events.get(eventId),
  }
}
