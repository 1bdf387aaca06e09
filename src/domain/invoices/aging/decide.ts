/**
 * Decides which debts of a facility have grown old, and tells of each stage once. The key of a row is the booking and
 * its stage. The row commits with the event. A debt that was found late is told of in its highest stage alone. The
 * booking is locked while it is judged, so nobody is told who has just paid.
 * Writes: payment_agings, aging_progress.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { localDateOf } from "#base/local-days.ts"
import { payToOf } from "#domain/invoices/seller.ts"
import { debtorsOf } from "#domain/ledger/debtors.ts"
import { type Debt, debtsAmong } from "#domain/ledger/debts.ts"
import { record } from "#events/outbox.ts"
import { type AgingStage, daysBetween, stageName, stageOf, stageWindowsOf } from "./stages.ts"

/** The facility and the local day for which debts are judged. */
export interface AgingDay {
  readonly facilityId: string
  readonly timezone: string
  readonly day: string
}

export interface Aged {
  readonly told: number
  /** The last booking that was looked at; undefined: no more debts wait. */
  readonly last: string | undefined
}

/** Debts named in an overview. */
const namedAtMost = 25

/** Tells of the next debts, at most `limit`, after a booking. Records booking.payment_overdue for each. */
export async function tellAgedDebts(tx: Tx, of: AgingDay, limit: number, after: string | undefined): Promise<Aged> {
  const found = await untold(tx, of, limit, after)
  const ids = found.map(({ booking_id }) => booking_id)
  if (ids.length === 0) return { told: 0, last: undefined }
  // A booking that is being paid or changed is left to the next day.
  const locked = await tx<{ id: string }[]>`
    select id from slotbase.bookings where id = any (${ids}) and facility_id = ${of.facilityId} order by id for update skip locked`
  // In a statement of its own: it sees what the locks waited for.
  const debts = await stillOwed(
    tx,
    of.facilityId,
    locked.map(({ id }) => id),
  )
  const told = await keepStages(tx, of, debts)
  if (told.length > 0) await announce(tx, of, told)
  return { told: told.length, last: found.length < limit ? undefined : ids.at(-1) }
}

/**
 * Ends a day: gives the staff one overview of everything that was told on it. Records facility.payments_overdue,
 * unless nothing was. Answers whether there is something.
 */
export async function endAgingDay(tx: Tx, { facilityId, day }: AgingDay): Promise<boolean> {
  const [progress] = await tx<{ had_overview: boolean }[]>`
    insert into slotbase.aging_progress as p (facility_id, looked_until) values (${facilityId}, ${day}::text::date)
    on conflict (facility_id) do update set looked_until = greatest(p.looked_until, excluded.looked_until)
    returning coalesce(overview_day >= ${day}::text::date, false) as had_overview`
  if (progress?.had_overview !== false) return false
  const told = await toldOn(tx, facilityId, day)
  if (told.length === 0) return false
  const totals = [...Map.groupBy(told, ({ stage, currency }) => `${stage} ${currency}`).values()].map((alike) => {
    const { stage, currency } = alike[0] as ToldRow
    return { stage: stageName(stage), currency, count: alike.length, amount: sumOf(alike) }
  })
  record(tx, {
    type: "facility.payments_overdue",
    facilityId,
    data: {
      facilityId,
      day,
      count: told.length,
      totals,
      debts: told
        .toSorted((a, b) => b.amount - a.amount)
        .slice(0, namedAtMost)
        .map((each) => ({
          bookingId: each.booking_id,
          bookerName: each.booker,
          startAt: each.start_at.toISOString(),
          stage: stageName(each.stage),
          amount: each.amount,
          currency: each.currency,
        })),
    },
  })
  await tx`
    update slotbase.aging_progress set overview_day = ${day}::text::date where facility_id = ${facilityId}`
  return true
}

/** Debts in the windows of the stages that were not told of in their stage, by booking. */
async function untold(
  tx: Tx,
  { facilityId, timezone, day }: AgingDay,
  limit: number,
  after: string | undefined,
): Promise<readonly Debt[]> {
  const [progress] = await tx<{ day: string }[]>`
    select looked_until::text as day from slotbase.aging_progress where facility_id = ${facilityId}`
  const windows = stageWindowsOf(timezone, day, progress?.day)
  const from = windows.map(({ span }) => new Date(span.start).toISOString())
  const until = windows.map(({ span }) => new Date(span.end).toISOString())
  const bookings: ReturnType<Queryable> = tx`
    select b.* from unnest(${windows.map(({ stage }) => stage)}::smallint[], ${from}::timestamptz[], ${until}::timestamptz[])
      as w (stage, begins, ends)
    join slotbase.bookings b on b.facility_id = ${facilityId} and b.start_at >= w.begins and b.start_at < w.ends
    where not exists (select from slotbase.payment_agings a
                      where a.booking_id = b.id and a.facility_id = b.facility_id and a.stage >= w.stage)
      ${after === undefined ? tx`` : tx`and b.id > ${after}`}`
  // Materialized: in the order of the ids the planner would walk through all bookings of the facility.
  return tx<Debt[]>`
    with windows as materialized (${bookings})
    select d.* from (${debtsAmong(tx, tx`select * from windows`)}) d order by d.booking_id limit ${limit}`
}

interface OwedDebt extends Debt {
  readonly resource: string
  readonly booker: string
}

const stillOwed = (tx: Tx, facilityId: string, ids: readonly string[]) => tx<OwedDebt[]>`
  select d.*, r.name as resource, u.first_name || ' ' || u.last_name as booker
  from (${debtsAmong(tx, tx`select * from slotbase.bookings where id = any (${[...ids]}) and facility_id = ${facilityId}`)}) d
  join slotbase.resources r on r.id = d.resource_id and r.facility_id = d.facility_id
  join slotbase.users u on u.id = d.booker_id
  order by d.booking_id`

interface ToldDebt extends OwedDebt {
  readonly stage: AgingStage
  readonly ageDays: number
}

/** Answers the debts whose stage was not there yet. */
async function keepStages(
  tx: Tx,
  { facilityId, timezone, day }: AgingDay,
  debts: readonly OwedDebt[],
): Promise<readonly ToldDebt[]> {
  const aged = debts.flatMap((debt) => {
    const ageDays = daysBetween(localDateOf(timezone, debt.start_at.getTime()), day)
    const stage = stageOf(ageDays)
    return stage === undefined ? [] : [{ ...debt, stage, ageDays }]
  })
  const rows = aged.map(({ booking_id, stage, ageDays, due, currency }) => ({
    booking_id,
    stage,
    age_days: ageDays,
    amount: due,
    currency,
  }))
  const kept = await tx<{ booking_id: string }[]>`
    insert into slotbase.payment_agings (booking_id, facility_id, stage, day, age_days, amount, currency)
    select r.booking_id, ${facilityId}, r.stage, ${day}::text::date, r.age_days, r.amount, r.currency
    from jsonb_to_recordset(${tx.json(rows as never)}) as r (
      booking_id uuid, stage smallint, age_days integer, amount bigint, currency text)
    on conflict do nothing
    returning booking_id`
  const ids = new Set(kept.map(({ booking_id }) => booking_id))
  return aged.filter(({ booking_id }) => ids.has(booking_id))
}

async function announce(tx: Tx, { facilityId }: AgingDay, told: readonly ToldDebt[]): Promise<void> {
  const [debtors, payTo] = await Promise.all([
    debtorsOf(
      tx,
      facilityId,
      told.map(({ booker_id }) => booker_id),
    ),
    payToOf(tx, facilityId),
  ])
  for (const debt of told) {
    const debtor = debtors.get(debt.booker_id)
    if (debtor === undefined) continue
    record(tx, {
      type: "booking.payment_overdue",
      facilityId,
      data: {
        bookingId: debt.booking_id,
        facilityId,
        resourceId: debt.resource_id,
        resourceName: debt.resource,
        bookerId: debt.booker_id,
        bookerName: debt.booker,
        billingAccountId: debtor.accountId,
        ...(debtor.payerId !== undefined && { payerId: debtor.payerId }),
        parentIds: debtor.parentIds,
        startAt: debt.start_at.toISOString(),
        endAt: debt.end_at.toISOString(),
        stage: stageName(debt.stage),
        ageDays: debt.ageDays,
        amount: debt.due,
        currency: debt.currency,
        ...payTo,
      },
    })
  }
}

interface ToldRow {
  readonly booking_id: string
  readonly stage: AgingStage
  readonly amount: number
  readonly currency: string
  readonly start_at: Date
  readonly booker: string
}

/** The oldest stage first. */
const toldOn = (tx: Tx, facilityId: string, day: string) => tx<ToldRow[]>`
  select a.booking_id, a.stage, a.amount, a.currency, b.start_at, u.first_name || ' ' || u.last_name as booker
  from slotbase.payment_agings a
  join slotbase.bookings b on b.id = a.booking_id and b.facility_id = a.facility_id
  join slotbase.users u on u.id = b.booker_id
  where a.facility_id = ${facilityId} and a.day = ${day}::text::date
  order by a.stage desc, a.currency, a.booking_id`

const sumOf = (rows: readonly { readonly amount: number }[]) => rows.reduce((sum, { amount }) => sum + amount, 0)
