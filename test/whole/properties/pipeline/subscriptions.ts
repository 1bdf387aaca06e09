// Commands that change subscriptions: the mirror of the handlers, and webhooks by the program's own commands.

import type { Handler } from "#actors/handlers/handler.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import type { Tx } from "#base/database/transaction.ts"
import { transact } from "#events/outbox.ts"
import { changeWebhook, createWebhook, deleteWebhook } from "#outbound/webhooks/webhooks.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { type HandlerName, handlerNames, type ModelWebhook, type Subscription, type Type } from "./model.ts"
import { RolledBack, rolledBack } from "./rolled-back.ts"
import type { Facility, World } from "./world.ts"

/** The subscription to set on a webhook: types, and a filter by the facility's first court or by a type of booking. */
export interface Wish {
  readonly types: readonly Type[]
  readonly filter: "none" | "court" | "lessons"
}

export async function subscribeHandlers(
  world: World,
  types: Readonly<Record<HandlerName, readonly Type[]>>,
): Promise<void> {
  const handlers = handlerNames.map((name) => ({ name, events: types[name] })) as unknown as readonly Handler[]
  await mirrorHandlers(world.db, handlers)
  world.model.subscribed = new Map(handlerNames.map((name) => [name, types[name]]))
}

export async function makeWebhook(
  world: World,
  at: number,
  wish: Wish,
  maxRetries: number,
  paused: boolean,
): Promise<void> {
  const facility = world.setting.facilities[at] as Facility
  const { db, secrets } = world.app
  const current = subscriptionOf(facility, wish)
  const token = crypto.randomUUID()
  const { result } = await transact(db, context, (tx) =>
    createWebhook(tx, secrets, rootCaller, facility.id, {
      name: "Club system",
      url: `${world.setting.receiver.url}/${token}`,
      events: wish.types,
      filters: filtersOf(current),
      retryConfig: { maxRetries, retryDelayMs: 500 },
      retryForHours: 0,
      isActive: !paused,
    }),
  )
  world.model.webhooks.push({
    ...{ id: result.id, token, facility: facility.id, maxRetries, current, inForce: undefined },
    ...{ unsure: false, deleted: false, sequence: 0 },
  })
}

export async function pauseWebhook(world: World, nth: number, isActive: boolean): Promise<void> {
  const webhook = pick(world, nth)
  const { db, secrets } = world.app
  if (!webhook) return
  await transact(db, context, (tx) => changeWebhook(tx, secrets, webhook.facility, webhook.id, { isActive }))
}

/** @param meanwhile runs after the change and before its commit. */
export async function changeWish(
  world: World,
  nth: number,
  wish: Wish | "deleted",
  meanwhile?: { readonly batch: number; readonly commits: boolean },
): Promise<void> {
  const webhook = pick(world, nth)
  if (!webhook || (meanwhile && webhook.unsure)) return
  const facility = world.setting.facilities.find(({ id }) => id === webhook.facility) as Facility
  const next = wish === "deleted" ? undefined : subscriptionOf(facility, wish)
  const locked = same(webhook.current, next) ? undefined : webhook
  const work = transact(world.db, context, async (tx) => {
    await apply(world, tx, webhook, next, wish)
    if (meanwhile) await world.dispatch(meanwhile.batch, locked)
    if (meanwhile?.commits === false) throw new RolledBack()
  })
  if (meanwhile?.commits === false) return rolledBack(work)
  await work
  if (locked) webhook.current = next
  webhook.deleted = wish === "deleted"
}

async function apply(
  world: World,
  tx: Tx,
  webhook: ModelWebhook,
  next: Subscription | undefined,
  wish: Wish | "deleted",
) {
  const { facility, id } = webhook
  if (wish === "deleted" || !next) return deleteWebhook(tx, rootCaller, facility, id)
  await changeWebhook(tx, world.app.secrets, facility, id, { events: wish.types, filters: filtersOf(next) })
}

const pick = (world: World, nth: number): ModelWebhook | undefined => {
  const living = world.model.webhooks.filter(({ deleted }) => !deleted)
  return living[nth % living.length]
}

const subscriptionOf = (facility: Facility, { types, filter }: Wish): Subscription => ({
  types: types.toSorted(),
  resource: filter === "court" ? facility.courts[0] : null,
  bookingType: filter === "lessons" ? "lesson" : null,
})

const filtersOf = ({ resource, bookingType }: Subscription) => ({
  ...(resource !== null && { resourceIds: [resource] }),
  ...(bookingType !== null && { bookingTypes: [bookingType as "lesson"] }),
})

const same = (a: Subscription | undefined, b: Subscription | undefined) => JSON.stringify(a) === JSON.stringify(b)
