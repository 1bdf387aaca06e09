/** Which dead letters are meant by a handler or a webhook, a cause and a time, and how many there are of each cause. */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { RatePerSecond, untilAfterSince } from "#outbound/webhooks/replays/input.ts"

const optional = Schema.optionalKey
const maxHandlerLength = 200
const maxCauseLength = 100

export const ReprocessInput = Schema.Struct({
  handler: optional(lineUpTo(maxHandlerLength)).annotateKey({ description: "of runs of this handler" }),
  webhookId: optional(Id).annotateKey({ description: "of deliveries to this webhook" }),
  cause: optional(lineUpTo(maxCauseLength)).annotateKey({
    description: "the code of the last error, such as http_500 or timeout",
  }),
  since: optional(Instant).annotateKey({ description: "last attempt from then on" }),
  until: optional(Instant).annotateKey({ description: "last attempt before this instant" }),
  preview: optional(Schema.Boolean).annotateKey({ description: "only count; nothing is put back" }),
  ratePerSecond: optional(RatePerSecond),
}).check(
  untilAfterSince,
  rule(
    "`handler` is not given together with `webhookId`",
    ({ handler, webhookId }: { handler?: string; webhookId?: string }) =>
      handler !== undefined && webhookId !== undefined
        ? { path: ["webhookId"], issue: "Expected a handler or a webhook: a dead letter is of one of them" }
        : undefined,
  ),
)
export type ReprocessInput = typeof ReprocessInput.Type

export const ReprocessPreview = Schema.Struct({
  preview: Schema.Literal(true),
  matched: Schema.Int,
  complete: Schema.Boolean.annotate({ description: "false: there was more than a preview counts" }),
  byCause: Schema.Array(
    Schema.Struct({
      handler: optional(Schema.String),
      webhookId: optional(Schema.String),
      cause: Schema.String,
      count: Schema.Int,
    }),
  ),
})
export type ReprocessPreview = typeof ReprocessPreview.Type

export interface LetterSelection {
  /** Undefined: of all facilities. */
  readonly facilityId: string | undefined
  readonly handler: string | null
  readonly webhookId: string | null
  readonly cause: string | null
  readonly since: Date | null
  readonly until: Date | null
}

export const selectionOf = (facilityId: string | undefined, input: ReprocessInput): LetterSelection => ({
  facilityId,
  handler: input.handler ?? null,
  webhookId: input.webhookId?.toLowerCase() ?? null,
  cause: input.cause ?? null,
  since: input.since === undefined ? null : new Date(input.since),
  until: input.until === undefined ? null : new Date(input.until),
})

/** Open ones behind an id, no more than `most`, in the order of their events. */
export const openLetters = (db: Queryable, { facilityId }: LetterSelection, after: string, most: number) => db`
  select d.id, d.facility_id, d.event_id, d.handler, d.webhook_id, d.delivery_id, d.last_attempt_at,
         coalesce(d.errors -> -1 -> 'error' ->> 'code', '') as cause
  from slotbase.dead_letters d
  where d.resolved_at is null and d.id > ${after}::uuid
    ${facilityId === undefined ? db`` : db`and d.facility_id = ${facilityId}`}
  order by d.id limit ${most}`

/** Of the rows in `looked`. */
export const selected = (db: Queryable, { handler, webhookId, cause, since, until }: LetterSelection) => db`
  (${handler}::text is null or k.handler = ${handler}) and (${webhookId}::uuid is null or k.webhook_id = ${webhookId})
  and (${cause}::text is null or k.cause = ${cause})
  and (${since}::timestamptz is null or k.last_attempt_at >= ${since})
  and (${until}::timestamptz is null or k.last_attempt_at < ${until})`

/** Dead letters that a preview looks at. */
const previewed = 50_000
const beforeAll = "00000000-0000-0000-0000-000000000000"

export async function previewReprocess(db: Queryable, selection: LetterSelection): Promise<ReprocessPreview> {
  const rows = await db<
    { handler: string | null; webhook_id: string | null; cause: string | null; count: number; looked: number }[]
  >`
    with looked as materialized (${openLetters(db, selection, beforeAll, previewed + 1)}),
    counted as (
      select k.handler, k.webhook_id, k.cause, count(*) as count from looked k where ${selected(db, selection)}
      group by 1, 2, 3
    )
    select c.*, l.count as looked from (select count(*) from looked) l left join counted c on true
    order by c.count desc, c.handler, c.webhook_id, c.cause`
  const found = rows.filter((row) => row.cause !== null)
  return {
    preview: true,
    matched: found.reduce((sum, { count }) => sum + count, 0),
    complete: (rows[0]?.looked ?? 0) <= previewed,
    byCause: found.map(({ handler, webhook_id, cause, count }) => ({
      ...(handler !== null && { handler }),
      ...(webhook_id !== null && { webhookId: webhook_id }),
      cause: cause ?? "",
      count,
    })),
  }
}
