// The model of the pipeline: what must have come of the commands so far. It knows which events were recorded in which order,
// who was subscribed when each was dispatched, and what every handler and every receiver has seen and answered; never
// what the system's own tables say.

import type { EventType } from "#events/catalogue.ts"

export const eventTypes = ["booking.confirmed", "booking.cancelled", "payment.succeeded"] as const satisfies EventType[]
export type Type = (typeof eventTypes)[number]

/** Named after real ones, because the name decides the retries. */
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

/** The webhooks as one: an event that is poison for them is answered with 500 by every receiver. */
export type Consumer = HandlerName | "webhooks"

export interface Recorded {
  readonly id: string
  readonly facility: string
  readonly type: Type
  readonly data: Record<string, unknown>
  readonly resource: string | null
  readonly bookingType: string | null
  /** Whoever it is poison for fails with it, until it is cured. */
  readonly poisons: Set<Consumer>
  /** Its transaction; it can be dispatched when that is committed. */
  committed: boolean
  /** Recorded by the program, or looked at by the dispatcher since. */
  checked: boolean
  /** Recorded from SQL, with data against its Schema. */
  readonly bad: boolean
}

/** What a handler did when it was called; "lost": its process ended before anybody knew. */
export interface Call {
  readonly position: number
  readonly eventId: string
  outcome: "done" | "skip" | "fail" | "giveUp" | "lost"
  readonly message: string
  /** It was settled for certain, because its process lived on. */
  sure: boolean
  /** Before the model knew of the event, and whether it is poison. */
  early?: true
  /** By a process that the others take for dead. */
  readonly late: boolean
}

export interface Run {
  readonly handler: HandlerName
  readonly position: number
  readonly event: Recorded
  /** Since it was dispatched or reprocessed. */
  calls: Call[]
  /** How often it may have been under way when a process died, in this life. */
  losses: number
  /** The errors of the lives before. */
  past: string[]
}

export interface Request {
  readonly attemptId: string
  readonly body: string
  readonly sequence: number
  readonly position: number
  readonly eventId: string
  /** Undefined: the receiver has not answered yet. */
  status?: number
  /** As of a call. */
  early?: true
}

export interface Delivery {
  readonly webhook: ModelWebhook
  readonly position: number
  readonly sequence: number
  readonly event: Recorded
  readonly requests: Request[]
  /** How many of its attempts were made before it was last reprocessed. */
  lifeStart: number
  /** Attempts that had ended when the tables were last looked at, and requests that had come in just before. */
  ended: number
  seen: number
}

export interface Subscription {
  readonly types: readonly Type[]
  /** Filters: one resource, or one booking type, or everything. */
  readonly resource: string | null
  readonly bookingType: string | null
}

export interface ModelWebhook {
  readonly id: string
  /** The path of its address. */
  readonly token: string
  readonly facility: string
  readonly maxRetries: number
  /** As committed, and as the last dispatch has taken it. */
  current: Subscription | undefined
  inForce: Subscription | undefined
  /** Whether the last dispatch has taken it cannot be told: there was nothing to dispatch. */
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
  /** Types by handler. */
  subscribed = new Map<HandlerName, readonly Type[]>()
  /** Calls and requests for which there is no reason. */
  readonly problems: string[] = []
  /** Processes that died with something under way. */
  kills = 0
  /** How much there is to wake, to bury, to end and to release. */
  under = { frozen: 0, dead: 0, open: 0, held: 0 }

  #calls = 0
  readonly #early: [HandlerName, Call][] = []
  readonly #earlyRequests: [string, Request][] = []

  constructor(readonly base: number) {}

  /** The events that a dispatch takes now, in the order in which they drew their numbers, and whether it waits. */
  next(batch: number): { readonly taken: readonly Recorded[]; readonly waits: boolean } {
    const visible = this.pending.filter((event) => event.committed).slice(0, batch)
    const unchecked = visible.findIndex((event) => !event.checked)
    return { taken: unchecked < 0 ? visible : visible.slice(0, unchecked), waits: unchecked >= 0 }
  }

  /**
   * @param locked a webhook whose subscription somebody is just changing: it stays as it is in force.
   * @param anything there was: a dispatch that finds nothing may leave the subscriptions to the next one.
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

  /** The dispatcher has looked at what SQL recorded. */
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
   * A handler was called. What it did with the same event before in this pass was rolled back, unless it failed.
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

  /** Calls and requests that came before the model knew of the dispatch, because both happened at once. */
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
    // A transaction of the dead may go on; it is rolled back.
    const mayCome = call.late && isTransactional(run.handler)
    if (!mayCome && run.calls.some(({ sure, outcome }) => sure && outcome !== "fail" && outcome !== "lost"))
      this.problems.push(`${call.message} came after the run had ended`)
    if (run.handler === "PaymentHandler" && run.calls.length > 0)
      this.problems.push(`${call.message} is one too many for a handler without retries`)
    run.calls.push(call)
  }

  /** A receiver got a request. */
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
