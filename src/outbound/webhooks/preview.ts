/**
 * What a selection would have matched in the last 30 days, before a webhook is saved with it. It asks the function that
 * dispatch asks, so the answer cannot differ. Bounded: only the newest events of the facility are looked at.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import { DomainEvent } from "#events/envelope.ts"
import { typesMeantBy } from "#events/patterns.ts"
import { typesThatNeverFit } from "./conditions.ts"
import type { SelectionInput } from "./input.ts"
import { checkSelection, subscriptionOf } from "./selection.ts"

const previewDays = 30
/** Events of the facility, of all types: 20,000 take about 150 ms. */
const maxLooked = 20_000
const maxExamples = 5

export const SelectionPreview = Schema.Struct({
  since: Schema.String.annotate({ description: "events before it were not looked at" }),
  until: Schema.String,
  looked: Schema.Int.annotate({ description: `events of the facility, at most ${maxLooked}` }),
  isWhole: Schema.Boolean.annotate({ description: `whether all events of the ${previewDays} days were looked at` }),
  matched: Schema.Int,
  byType: Schema.Array(
    Schema.Struct({
      type: Schema.String,
      recorded: Schema.Int,
      matched: Schema.Int,
      neverMatches: Schema.optionalKey(Schema.Literal(true)).annotateKey({
        description: "no event of the type can fulfil the conditions",
      }),
    }),
  ),
  examples: Schema.Array(DomainEvent).annotate({ description: `the newest that match, at most ${maxExamples}` }),
}).annotate({ identifier: "SelectionPreview" })
export type SelectionPreview = typeof SelectionPreview.Type

/** Throws InvalidInput, as saving would. */
export async function previewSelection(
  db: Queryable,
  facilityId: string,
  { events, filters }: SelectionInput,
): Promise<SelectionPreview> {
  const selection = await checkSelection(db, facilityId, events, filters)
  const types = typesMeantBy(events)
  const never = new Set(typesThatNeverFit(types, selection.conditions ?? []))
  const [found] = await lookBack(db, facilityId, JSON.stringify(subscriptionOf(selection)))
  const counts = new Map(found.counts.map((count) => [count.type, count]))
  const byType = types.map((type) => ({
    type,
    recorded: counts.get(type)?.recorded ?? 0,
    matched: counts.get(type)?.matched ?? 0,
    ...(never.has(type) && { neverMatches: true as const }),
  }))
  return {
    since: (found.looked > maxLooked ? (found.oldest ?? found.since) : found.since).toISOString(),
    until: found.until.toISOString(),
    looked: Math.min(found.looked, maxLooked),
    isWhole: found.looked <= maxLooked,
    matched: byType.reduce((sum, { matched }) => sum + matched, 0),
    byType,
    examples: found.examples,
  }
}

interface Found {
  readonly since: Date
  readonly until: Date
  /** One more than `maxLooked` when there are more. */
  readonly looked: number
  readonly oldest: Date | null
  readonly counts: readonly { readonly type: string; readonly recorded: number; readonly matched: number }[]
  readonly examples: readonly DomainEvent[]
}

// The log is walked backwards by its index, and each event is looked up by its key.
const lookBack = (db: Queryable, facilityId: string, subscription: string) => db<[Found]>`
  with s as materialized (
    select jsonb_populate_record(null::slotbase.webhook_versions, ${subscription}::text::jsonb) as v,
           slotbase.now() as until, slotbase.now() - ${previewDays} * interval '1 day' as since
  ), recent as materialized (
    select p.position, p.event_id, p.type, p.dispatched_at from slotbase.event_positions p
    where p.facility_id = ${facilityId} and p.dispatched_at >= (select since from s)
    order by p.position desc limit ${maxLooked + 1}
  ), looked as materialized (
    select r.position, r.type, e.fits, e.body
    from (select * from recent where type = any (array(select unnest((v).events) from s)) limit ${maxLooked}) r
    cross join lateral (
      select slotbase.fits(s.v, e) as fits, e as body from slotbase.events e cross join s
      where e.id = r.event_id and e.facility_id = ${facilityId} offset 0
    ) e
  )
  select s.since, s.until, (select count(*)::integer from recent) as looked, (select min(dispatched_at) from recent) as oldest,
         coalesce((select json_agg(c) from (select type, count(*) as recorded, count(*) filter (where fits) as matched
                                            from looked group by type) c), '[]') as counts,
         coalesce((select json_agg(slotbase.event_body(x.body)::json order by x.position desc)
                   from (select body, position from looked where fits order by position desc limit ${maxExamples}) x), '[]') as examples
  from s`
