// The inputs of the commands: events, webhooks' subscriptions, scripts of handlers and receivers. Failures are
// frequent. Some events are poison: their handlers fail until a command cures the event.

import fc from "fast-check"
import type { Step } from "./handlers.ts"
import { type Consumer, eventTypes, type HandlerName, handlerNames, type Type } from "./model.ts"
import type { Answer } from "./receiver.ts"
import type { Planned } from "./record.ts"
import type { Wish } from "./subscriptions.ts"

const { array, constantFrom, oneof, record, subarray } = fc

const poisons = oneof(
  { weight: 3, arbitrary: fc.constant<Consumer[]>([]) },
  { weight: 1, arbitrary: subarray<Consumer>([...handlerNames, "webhooks"], { minLength: 1 }) },
)

export const event: fc.Arbitrary<Planned> = record({
  type: constantFrom(...eventTypes),
  booking: fc.nat(2),
  court: constantFrom<0 | 1>(0, 1),
  bookingType: constantFrom<Planned["bookingType"]>("open_play", "lesson"),
  poisons,
})
export const events = array(event, { minLength: 1, maxLength: 4 })

const types: fc.Arbitrary<Type[]> = subarray([...eventTypes])

export const subscribers: fc.Arbitrary<Record<HandlerName, readonly Type[]>> = record({
  AnalyticsHandler: types,
  CacheInvalidationHandler: types,
  NotificationHandler: types,
  PaymentHandler: types,
})

export const wish: fc.Arbitrary<Wish> = record({
  types: subarray([...eventTypes], { minLength: 1 }),
  filter: constantFrom<Wish["filter"]>("none", "none", "court", "lessons"),
})

export const steps = array(constantFrom<Step>("done", "done", "done", "skip", "fail", "fail", "giveUp", "freeze"), {
  minLength: 1,
  maxLength: 4,
})
export const answers = array(constantFrom<Answer>(200, 200, 200, 500, 500, 410, "hold"), { minLength: 1, maxLength: 4 })

/** The index of a process or a facility: there are two of each. */
export const either = fc.nat(1)
export const handler = constantFrom(...handlerNames)
export const batch = fc.integer({ min: 1, max: 6 })
export const batches = array(batch, { maxLength: 3 })
