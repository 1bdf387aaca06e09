// Shared by the tests of subscriptions: a small plan, a subscribed club, the renewal job, and handlers run by hand.

import { requireAdmin } from "#access/caller.ts"
import type { HandledEvent, OneByOneHandler } from "#actors/handlers/handler.ts"
import { subscriptionRenewalCheck } from "#actors/jobs/subscription-renewal-check.ts"
import type { Db } from "#base/database/db.ts"
import type { PaymentTools } from "#domain/payments/tools.ts"
import type { SubscribeInput } from "#domain/subscriptions/input.ts"
import { subscribe } from "#domain/subscriptions/subscriptions.ts"
import { setEventContext } from "#events/outbox.ts"
import { type Club, run, testContext } from "./club.ts"

/** A plan below Starter with limits that a test can reach; active users are not limited. */
export async function aTinyPlan(db: Db): Promise<void> {
  await db`
    insert into slotbase.subscription_plans (id, name, rank, trial_days, bookings_per_month, active_users, resources, coaches)
    values ('tiny', 'Tiny', 0, 0, 10, null, 4, 1)`
  await db`
    insert into slotbase.plan_prices (plan_id, currency, monthly_amount, annual_amount)
    select 'tiny', currency, 1000, 10000 from slotbase.plan_prices where plan_id = 'starter'`
}

export const subscribed = (db: Db, club: Club, input: Partial<SubscribeInput> = {}) =>
  run(db, (tx) =>
    subscribe(tx, requireAdmin(club.admin.caller, club.id), { planId: "tiny", billingCycle: "monthly", ...input }),
  )

/** Runs the job once; returns its result. */
export async function runRenewals(tools: PaymentTools): Promise<Readonly<Record<string, number>>> {
  const { did } = await subscriptionRenewalCheck(tools).pass(new AbortController().signal)
  return did ?? {}
}

export interface EventSeen {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The events of a facility whose type has this prefix, in the order of recording. */
export async function eventsOf(db: Db, facilityId: string, prefix = "subscription."): Promise<EventSeen[]> {
  const rows = await db<EventSeen[]>`
    select e.type, e.data from slotbase.events e
    where e.facility_id = ${facilityId} and starts_with(e.type, ${prefix})
    order by e.id`
  return rows.map((row) => ({ ...row }))
}

/** Handles all events that a handler is subscribed to in a facility, each in a transaction; returns the outcomes. */
export async function handleAll(db: Db, handler: OneByOneHandler, facilityId: string) {
  const events = await db<HandledEvent[]>`
    select e.*, 0 as position from slotbase.events e
    where facility_id = ${facilityId} and type = any (${[...handler.events]}) order by id`
  const outcomes = []
  for (const event of events) {
    outcomes.push(
      await db.begin((tx) => {
        setEventContext(tx, { ...testContext, causationId: event.id })
        return handler.handle(tx, event)
      }),
    )
  }
  return outcomes
}

/** Moves the clock of the test database to an instant. */
export async function moveTo(db: Db, at: string): Promise<void> {
  await db`select slotbase.move_clock(${at}::timestamptz - slotbase.now())`
}
