/**
 * The daily figures of a facility. An event adds to one local day or several, in any order. Set-based: a batch is a few
 * statements, however many events it has. Not idempotent: call it once for each event, as AnalyticsHandler does. A
 * recount replaces what it has counted from the log (rebuild.ts).
 * Writes: daily_figures.
 */
import type { Tx } from "#base/database/transaction.ts"
import { facilityZones } from "#domain/club/facility-zones.ts"
import { addToSums, type CountedEvent, type FigureRow } from "./sums.ts"

/**
 * Adds events of the counted types to their days. Answers for each, in the same order, why it adds nothing, or
 * undefined.
 */
export async function addToDailyFigures(
  tx: Tx,
  events: readonly CountedEvent[],
): Promise<readonly (undefined | { readonly skipped: string })[]> {
  const sums = new Map<string, FigureRow>()
  const outcomes = await addToSums(tx, sums, events, await facilityZones(tx, events))
  if (sums.size > 0) await write(tx, [...sums.values()])
  return outcomes
}

/**
 * Puts recounted rows in the place of those of the given months of the log; the other months stay.
 * The caller holds `lockFigures`.
 */
export async function replaceFigures(
  tx: Tx,
  facilityId: string,
  months: readonly string[],
  rows: readonly FigureRow[],
): Promise<void> {
  await tx`
    delete from slotbase.daily_figures where facility_id = ${facilityId} and log_month = any (${months}::date[])`
  if (rows.length > 0) await write(tx, rows)
}

/** Until the commit nobody adds to any figures. Handlers that wait too long try again without using up an attempt. */
export const lockFigures = async (tx: Tx): Promise<void> => {
  await tx`lock table slotbase.daily_figures in share row exclusive mode`
}

// In the order of the key, so that two processes never deadlock.
const write = (tx: Tx, rows: readonly FigureRow[]) => tx`
  insert into slotbase.daily_figures as d (facility_id, day, resource_id, booking_type, log_month, bookings, cancellations,
    check_ins, no_shows, completions, booked_minutes, booked_amount, payments_amount, refunds_amount)
  select facility_id, day, resource_id, booking_type, log_month, bookings, cancellations, check_ins, no_shows, completions,
         booked_minutes, booked_amount, payments_amount, refunds_amount
  from jsonb_to_recordset(${tx.json(rows as never)}) as n (facility_id uuid, day date, resource_id uuid, booking_type text,
    log_month date, bookings integer, cancellations integer, check_ins integer, no_shows integer, completions integer,
    booked_minutes bigint, booked_amount bigint, payments_amount bigint, refunds_amount bigint)
  order by facility_id, day, resource_id, booking_type, log_month
  on conflict (facility_id, day, resource_id, booking_type, log_month) do update
  set bookings        = d.bookings        + excluded.bookings,
      cancellations   = d.cancellations   + excluded.cancellations,
      check_ins       = d.check_ins       + excluded.check_ins,
      no_shows        = d.no_shows        + excluded.no_shows,
      completions     = d.completions     + excluded.completions,
      booked_minutes  = d.booked_minutes  + excluded.booked_minutes,
      booked_amount   = d.booked_amount   + excluded.booked_amount,
      payments_amount = d.payments_amount + excluded.payments_amount,
      refunds_amount  = d.refunds_amount  + excluded.refunds_amount`
