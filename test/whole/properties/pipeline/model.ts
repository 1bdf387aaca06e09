// The model of the pipeline: the expected result of the commands so far. It knows the order of the events, the
// subscriptions at each dispatch, and every call and request with its answer. It never reads the system's tables.

import type { EventType } from "#events/catalogue.ts"

export const eventTypes = ["booking.confirmed", "booking.cancelled", "payment.succeeded"] as const satisfies EventType[]
export type Type = (typeof eventTypes)[number]

/** Named after real handlers, because the name decides the retries. */
export const handlerNames = [
  "AnalyticsHandler",
  "CacheInvalidationHandler",
  "NotificationHandler",
  "PaymentHandler",
] as const
export type HandlerName = (typeof handlerNames)[number]

export const maxRetries: Readonly<Record<HandlerName, number>> = {
  AnalyticsHandler: 3,
  CacheInvalidationHandler: 3,
  NotificationHandler: 5,
  PaymentHandler: 0,
}
export const isTransactional = (name: HandlerName) => name === "AnalyticsHandler" || name === "CacheInvalidationHandler"

/** All webhooks count as one consumer: every receiver answers 500 to an event that is poison for them. */
export type Consumer = HandlerName | "webhooks"

export interface Recorded {
  readonly id: string
  readonly facility: string
  readonly type: Type
  readonly data: Record<string, unknown>
  readonly resource: string | null
  readonly bookingType: string | null
  /** The consumers that fail with this event until it is cured. */
  readonly poisons: Set<Consumer>
  /** Whether its transaction has committed, so that it can be dispatched. */
  committed: boolean
  /** Recorded by the program, or checked by the dispatcher since. */
  checked: boolean
  /** Recorded from SQL with data that breaks its Schema. */
  readonly bad: boolean
}

/** The result of a handler's call; "lost": its process ended before the result was known. */
export interface Call {
  readonly position: number
  readonly eventId: string
  outcome: "done" | "skip" | "fail" | "giveUp" | "lost"
  readonly message: string
  /** The result was certainly settled, because the process stayed alive. */
  sure: boolean
  /** Made before the model knew the event and its poison. */
  early?: true
  /** Made by a process that the others count as expired. */
  readonly late: boolean
}

export interface Run {
  readonly handler: HandlerName
  readonly position: number
  readonly event: Recorded
  /** The calls since the event was dispatched or last reprocessed. */
  calls: Call[]
  /** How often the run may have been in progress when a process crashed, since it was last reprocessed. */
  losses: number
  /** The errors before it was last reprocessed. */
  past: string[]
}

export interface Request {
  readonly attemptId: string
  readonly body: string
  readonly sequence: number
  readonly position: number
  readonly eventId: string
  /** Undefined: not answered yet. */
  status?: number
  /** As for a call. */
  early?: true
}

export interface Delivery {
  readonly webhook: ModelWebhook
  readonly position: number
  readonly sequence: number
  readonly event: Recorded
  readonly requests: Request[]
  /** The number of its attempts before it was last reprocessed. */
  lifeStart: number
  /** At the last read of the tables: the number of ended attempts, and of requests received just before. */
  ended: number
  seen: number
}

export interface Subscription {
  readonly types: readonly Type[]
  /** The filters: one resource, one booking type, or everything. */
  readonly resource: string | null
  readonly bookingType: string | null
}

export interface ModelWebhook {
  readonly id: string
  /** The path of its URL. */
  readonly token: string
  readonly facility: string
  readonly maxRetries: number
  /** The subscription as committed, and as the last dispatch applied it. */
  current: Subscription | undefined
  inForce: Subscription | undefined
  /** The last dispatch found no events, so it may or may not have applied the change. */
  unsure: boolean
  deleted: boolean
  sequence: number
}

export class Model {
  readonly pending: Recorded[] = []
  readonly log: Recorded[] = []
  readonly refused: Recorded[] = []
  readonly runs = new Map<string, Run>()
  readonly deliveries = new Map<string, Delivery>()
  readonly webhooks: ModelWebhook[] = []
  /** Subscribed types by handler. */
  subscribed = new Map<HandlerName, readonly Type[]>()
  /** Unexpected calls and requests. */
  readonly problems: string[] = []
  /** The number of processes that crashed with work in progress. */
  kills = 0
  /** The number of paused runs, crashed processes, open transactions and waiting requests. */
  under = { frozen: 0, dead: 0, open: 0, held: 0 }

  #calls = 0
  readonly #early: [HandlerName, Call][] = []
  readonly #earlyRequests: [string, Request][] = []

  constructor(readonly base: number) {}

  /** The events that the next dispatch takes, in the order of their numbers, and whether it must wait for a check. */
  next(batch: number): { readonly taken: readonly Recorded[]; readonly waits: boolean } {
    const visible = this.pending.filter((event) => event.committed).slice(0, batch)
    const unchecked = visible.findIndex((event) => !event.checked)
    return { taken: unchecked < 0 ? visible : visible.slice(0, unchecked), waits: unchecked >= 0 }
  }

  /**
   * @param locked a webhook with an uncommitted change: its subscription in force stays.
   * @param anything whether there were events: a dispatch without events may leave the subscriptions to the next one.
   */
  dispatched(
    taken: readonly Recorded[],
    locked?: ModelWebhook,
    anything = this.pending.some((event) => event.committed),
  ): void {
    for (const webhook of this.webhooks) {
      if (webhook === locked || webhook.inForce === webhook.current) continue
      webhook.unsure = !anything
      if (anything) webhook.inForce = webhook.current
    }
    for (const event of taken) this.#place(event)
  }

  #place(event: Recorded): void {
    this.pending.splice(this.pending.indexOf(event), 1)
    this.log.push(event)
    const position = this.base + this.log.length
    for (const [handler, types] of this.subscribed)
      if (types.includes(event.type))
        this.runs.set(`${handler}@${position}`, { handler, position, event, calls: [], losses: 0, past: [] })
    for (const webhook of this.webhooks) {
      if (!matches(webhook, event)) continue
      const sequence = ++webhook.sequence
      const delivery = { webhook, position, sequence, event, requests: [], lifeStart: 0, ended: 0, seen: 0 }
      this.deliveries.set(`${webhook.id}@${position}`, delivery)
    }
  }

  /** The dispatcher has checked the events recorded by SQL. */
  checkRecorded(): void {
    for (const event of this.pending.filter(({ committed, checked }) => committed && !checked)) {
      event.checked = true
      if (event.bad) this.refused.push(...this.pending.splice(this.pending.indexOf(event), 1))
    }
  }

  /** Makes the texts of errors unique. */
  nextCall(): number {
    return ++this.#calls
  }

  /**
   * A handler was called. An earlier success with the same event in this pass was rolled back.
   * @param before the calls of this pass so far.
   */
  called(handler: HandlerName, call: Call, before: readonly Call[]): void {
    for (const other of isTransactional(handler) ? before : [])
      if (other.position === call.position && (other.outcome === "done" || other.outcome === "skip"))
        other.outcome = "lost"
    const run = this.runs.get(`${handler}@${call.position}`)
    if (run) this.#addTo(run, call)
    else this.#early.push([handler, Object.assign(call, { early: true as const })])
  }

  /**
   * Assigns the calls and requests that came before the model knew of their dispatch, because both happened at once.
   */
  attachEarly(): void {
    for (const [handler, call] of this.#early.splice(0)) {
      const run = this.runs.get(`${handler}@${call.position}`)
      if (run) this.#addTo(run, call)
      else this.problems.push(`${handler} was called for ${call.position}, which it is not subscribed to`)
    }
    for (const [token, request] of this.#earlyRequests.splice(0)) {
      const webhook = this.webhooks.find((one) => one.token === token)
      const delivery = this.deliveries.get(`${webhook?.id}@${request.position}`)
      if (delivery) this.#addRequest(delivery, request)
      else this.problems.push(`${webhook?.id} got ${request.position}, which it does not want`)
    }
  }

  #addTo(run: Run, call: Call): void {
    if (run.event.id !== call.eventId) this.problems.push(`${call.message} got another event than ${run.event.id}`)
    // A transaction of a crashed process may continue; it is rolled back.
    const mayCome = call.late && isTransactional(run.handler)
    if (!mayCome && run.calls.some(({ sure, outcome }) => sure && outcome !== "fail" && outcome !== "lost"))
      this.problems.push(`${call.message} came after the run had ended`)
    if (run.handler === "PaymentHandler" && run.calls.length > 0)
      this.problems.push(`${call.message} is one too many for a handler without retries`)
    run.calls.push(call)
  }

  /** A receiver received a request. */
  requested(token: string, request: Request): Delivery | undefined {
    const webhook = this.webhooks.find((one) => one.token === token)
    const delivery = this.deliveries.get(`${webhook?.id}@${request.position}`)
    if (delivery) this.#addRequest(delivery, request)
    else if (webhook) this.#earlyRequests.push([token, Object.assign(request, { early: true as const })])
    return delivery
  }

  #addRequest(delivery: Delivery, request: Request): void {
    const { webhook, position, sequence, event } = delivery
    if (sequence !== request.sequence || event.id !== request.eventId)
      this.problems.push(`${webhook.id} got ${position} with another event or sequence`)
    delivery.requests.push(request)
  }

  eventAt = (position: number): Recorded | undefined => this.log[position - this.base - 1]
}

function matches({ facility, inForce }: ModelWebhook, event: Recorded): boolean {
  if (facility !== event.facility || !inForce?.types.includes(event.type)) return false
  const passes = (wanted: string | null, has: string | null) => wanted === null || has === null || wanted === has
  return passes(inForce.resource, event.resource) && passes(inForce.bookingType, event.bookingType)
}
