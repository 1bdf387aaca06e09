/** A subscription as the API answers it. An ended one says who ended it and what was not sent any more. */
import * as Schema from "effect/Schema"

export const hookStates = ["active", "ended"] as const

export const HookSubscription = Schema.Struct({
  id: Schema.String.annotate({ description: "of the webhook; unsubscribe with it" }),
  event: Schema.String,
  hookUrl: Schema.String,
  name: Schema.String,
  isActive: Schema.Boolean.annotate({ description: "false: somebody has paused its webhook, or it has ended" }),
  createdAt: Schema.String,
  endedAt: Schema.optionalKey(Schema.String),
  endedBy: Schema.optionalKey(Schema.Literals(["caller", "receiver"])).annotateKey({
    description: "receiver: by the answer 410",
  }),
  discardedDeliveries: Schema.optionalKey(Schema.Int).annotateKey({
    description: "of a subscription that its receiver ended: what waited then, and was not sent any more",
  }),
})
export type HookSubscription = typeof HookSubscription.Type

export interface HookRow {
  readonly id: string
  readonly event: string
  readonly url: string
  readonly name: string
  readonly is_active: boolean
  readonly created_at: Date
  readonly deleted_at: Date | null
  readonly gone_at: Date | null
  readonly discarded: number | null
}

export const toHook = (row: HookRow): HookSubscription => ({
  id: row.id,
  event: row.event,
  hookUrl: row.url,
  name: row.name,
  isActive: row.is_active,
  createdAt: row.created_at.toISOString(),
  ...(row.deleted_at && {
    endedAt: row.deleted_at.toISOString(),
    endedBy: row.gone_at === null ? ("caller" as const) : ("receiver" as const),
  }),
  ...(row.discarded !== null && { discardedDeliveries: row.discarded }),
})
