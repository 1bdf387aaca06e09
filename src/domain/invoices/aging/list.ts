/**
 * What is unpaid in a facility now, by billing account and age: reads only. The ages are local days since the day of
 * play. Bookings of the last two years are looked at.
 */
import * as Schema from "effect/Schema"
import type { Staff } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { localDateOf, spanOfDay } from "#base/local-days.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Money } from "#base/schema/request-fields.ts"
import { requireFacility } from "#domain/club/facilities.ts"
import { accountOfPerson } from "#domain/ledger/accounts.ts"
import { debtsAmong } from "#domain/ledger/debts.ts"
import { agingStages, dayBefore } from "./stages.ts"

/** Older debts are for the books alone. */
const lookBackDays = 730

export const PaymentAgingQuery = Schema.Struct(pageQuery)

const Bucket = Schema.Struct({ amount: Money, count: Schema.Int.annotate({ description: "bookings" }) })
const buckets = {
  days0To30: Bucket.annotate({ description: "of the last 30 local days" }),
  days31To60: Bucket,
  days61To90: Bucket,
  over90: Bucket,
}

export const PaymentAging = Schema.Struct({
  accountId: Schema.NullOr(Id).annotate({ description: "null: the person has paid nothing yet and has no account" }),
  ownerId: Id.annotate({ description: "the owner of the account, or the booker" }),
  name: Schema.String,
  currency: Schema.String,
  ...buckets,
  total: Money,
  oldestDay: Schema.String.annotate({ description: "the local day of play of the oldest debt" }),
}).annotate({ identifier: "PaymentAging" })
export type PaymentAging = typeof PaymentAging.Type

/** In the order of the accounts' ids, a row for each currency. Throws NotFound. */
export async function listPaymentAging(
  db: Queryable,
  { facilityId }: Staff,
  query: typeof PaymentAgingQuery.Type,
): Promise<Page<PaymentAging>> {
  await requireFacility(db, facilityId)
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id, Schema.String]))
  const [{ timezone, now }] = await db<[{ timezone: string; now: Date }]>`
    select timezone, slotbase.now() as now from slotbase.facilities where id = ${facilityId}`
  const today = localDateOf(timezone, now.getTime())
  const startOf = (days: number) => new Date(spanOfDay(timezone, dayBefore(today, days)).start).toISOString()
  const [from30, from60, from90] = agingStages.map(startOf) as [string, string, string]
  const bookings: ReturnType<Queryable> = db`
    select * from slotbase.bookings b
    where b.facility_id = ${facilityId} and b.start_at >= ${startOf(lookBackDays)} and b.start_at <= ${now}`
  const rows = await db<AgingRow[]>`
    with debts as (
      select d.*, a.id as account_id, coalesce(a.owner_id, d.booker_id) as owner_id,
             case when d.start_at >= ${from30} then 0 when d.start_at >= ${from60} then 1 when d.start_at >= ${from90} then 2 else 3 end as bucket
      from (${debtsAmong(db, bookings)}) d
      left join lateral (${accountOfPerson(db, db`d.booker_id`, db`d.facility_id`)}) a on true
    ), sums as (
      select coalesce(account_id, owner_id) as key, account_id, owner_id, currency, min(start_at) as oldest,
             sum(due)::bigint as total,
             coalesce(sum(due) filter (where bucket = 0), 0)::bigint as amount0,
             coalesce(sum(due) filter (where bucket = 1), 0)::bigint as amount1,
             coalesce(sum(due) filter (where bucket = 2), 0)::bigint as amount2,
             coalesce(sum(due) filter (where bucket = 3), 0)::bigint as amount3,
             count(*) filter (where bucket = 0)::integer as count0, count(*) filter (where bucket = 1)::integer as count1,
             count(*) filter (where bucket = 2)::integer as count2, count(*) filter (where bucket = 3)::integer as count3
      from debts group by account_id, owner_id, currency
    )
    select s.*, coalesce(b.name, u.first_name || ' ' || u.last_name) as name
    from sums s
    left join slotbase.billing_accounts b on b.id = s.account_id and b.facility_id = ${facilityId}
    left join slotbase.users u on u.id = s.owner_id
    ${after === undefined ? db`` : db`where (s.key, s.currency) > (${after[0]}::uuid, ${after[1]}::text)`}
    order by s.key, s.currency
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.key, row.currency], toAging(timezone))
}

interface AgingRow {
  readonly key: string
  readonly account_id: string | null
  readonly owner_id: string
  readonly name: string
  readonly currency: string
  readonly oldest: Date
  readonly total: number
  readonly amount0: number
  readonly amount1: number
  readonly amount2: number
  readonly amount3: number
  readonly count0: number
  readonly count1: number
  readonly count2: number
  readonly count3: number
}

const toAging =
  (timezone: string) =>
  (row: AgingRow): PaymentAging => ({
    accountId: row.account_id,
    ownerId: row.owner_id,
    name: row.name,
    currency: row.currency,
    days0To30: { amount: row.amount0, count: row.count0 },
    days31To60: { amount: row.amount1, count: row.count1 },
    days61To90: { amount: row.amount2, count: row.count2 },
    over90: { amount: row.amount3, count: row.count3 },
    total: row.total,
    oldestDay: localDateOf(timezone, row.oldest.getTime()),
  })
