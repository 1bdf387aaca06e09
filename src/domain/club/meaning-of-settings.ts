/**
 * Settings that give numbers their meaning: the currency that of prices and debts, the time zone that of local times.
 * A change is refused while numbers stand in the old meaning, and the refusal counts them. What may be changed with
 * consent says what it moves.
 */

import { decimalsOf } from "#base/currencies.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import { maxMoney, unitOf } from "#base/money.ts"

/**
 * Waits for the bookings that members are just making in the old meaning, so that they are counted. Those that come
 * later wait, and read the new meaning (`shareMeaning`). Bookings of staff take no lock: one that is made at the same
 * moment keeps the old currency and time zone, as past bookings do.
 */
export const awaitBookings = (tx: Tx, facilityId: string) =>
  tx`select pg_advisory_xact_lock(${meaningOf(tx, facilityId)})`

/** SQL: whoever reads prices and local times to make a booking keeps their meaning until the commit. */
export const shareMeaning = (tx: Tx, facilityId: string) =>
  tx`pg_advisory_xact_lock_shared(${meaningOf(tx, facilityId)})`

const meaningOf = (tx: Tx, facilityId: string) => tx`hashtext('slotbase meaning'), hashtext(${facilityId})`

/**
 * Refuses a new currency while bookings, invoices, payments or balances stand in the old one, or prices that are not
 * converted in the same request. Converts the prices at a rate: units of the new currency for one of the old.
 * @returns whether prices were converted
 * @throws WrongState `currency_in_use`, RuleBroken `price_out_of_range`
 */
export async function changeCurrency(
  tx: Tx,
  facilityId: string,
  { from, to, rate }: { readonly from: string; readonly to: string; readonly rate: string | undefined },
): Promise<boolean> {
  const found = await standingIn(tx, facilityId, from)
  const { prices, ...others } = found
  const standing = counted(rate === undefined ? found : others)
  if (standing !== "") {
    const end = "End or settle them first, and convert the prices in the same request (convertPricesAt)."
    throw new WrongState("currency_in_use", `These stand in ${from}: ${standing}. ${end}`)
  }
  if (rate === undefined || prices === 0) return false
  await convertPrices(tx, facilityId, { from, to, rate })
  return true
}

/**
 * Refuses a new time zone while bookings or series stand, unless the request says that instants are kept.
 * @throws WrongState `timezone_moves`
 */
export async function requireMovesKnown(
  tx: Tx,
  facilityId: string,
  { from, to, moves }: { readonly from: string; readonly to: string; readonly moves: "keep_instant" | undefined },
): Promise<void> {
  if (moves !== undefined) return
  const [row] = await tx<[Record<string, number>]>`
    select (select count(*) from slotbase.bookings b where b.facility_id = ${facilityId} and ${isToCome(tx)}) as bookings,
           (select count(*) from slotbase.recurring_bookings s where s.facility_id = ${facilityId} and s.status = 'active') as series,
           (select count(*) from slotbase.waitlist_entries w where w.facility_id = ${facilityId}
              and w.status in ('waiting', 'offered') and w.start_at > (select slotbase.now())) as wishes`
  const standing = counted(row)
  if (standing === "") return
  throw new WrongState(
    "timezone_moves",
    `These stand in ${from}: ${standing}. With "timezoneMoves": "keep_instant" bookings and wishes keep their instant, and show another local time. ` +
      `New days of a series begin at its local time in ${to}. Opening hours and price rules are read there too.`,
  )
}

/** Bookings `b` that still take place. */
const isToCome = (tx: Tx) => tx`
  b.status in ('held', 'pending', 'confirmed', 'checked_in') and b.end_at > (select slotbase.now())
  and (b.status <> 'held' or b.hold_expires_at > (select slotbase.now()))`

/** What stands in a currency, by kind. */
async function standingIn(tx: Tx, facilityId: string, currency: string): Promise<Record<string, number>> {
  const [row] = await tx<[Record<string, number>]>`
    select (select count(*) from slotbase.resources where facility_id = ${facilityId} and hourly_price > 0)
           + (select count(*) from slotbase.price_rules where facility_id = ${facilityId} and hourly_price > 0)
           + (select count(*) from slotbase.coach_profiles where facility_id = ${facilityId} and hourly_rate > 0)
           + (select count(*) from slotbase.booking_policies where facility_id = ${facilityId} and no_show_fee > 0) as prices,
           (select count(*) from slotbase.bookings b
            where b.facility_id = ${facilityId} and b.price_currency = ${currency} and ${isToCome(tx)}) as bookings,
           (select count(*) from slotbase.subscription_invoices
            where facility_id = ${facilityId} and currency = ${currency} and status = 'open') as invoices,
           (select count(*) from slotbase.payments
            where facility_id = ${facilityId} and currency = ${currency} and status = 'processing')
           + (select count(*) from slotbase.refunds
              where facility_id = ${facilityId} and currency = ${currency} and status in ('processing', 'owed')) as payments,
           (select count(*) from (select from slotbase.payment_ledger
              where facility_id = ${facilityId} and currency = ${currency} and account = 'receivable'
              group by billing_account_id, reference_id having sum(amount) <> 0) as open) as balances`
  return row
}

/** Such as "2 prices, 1 bookings"; empty: nothing stands. */
const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ")

/** The function of the database changes courts, rules, rates and the fee alike. A price never becomes free. */
async function convertPrices(
  tx: Tx,
  facilityId: string,
  { from, to, rate }: { readonly from: string; readonly to: string; readonly rate: string },
): Promise<void> {
  const shift = decimalsOf(to) - decimalsOf(from)
  const [{ largest }] = await tx<[{ largest: number }]>`
    select slotbase.convert_prices(${facilityId}, ${rate}::text::numeric * 10::numeric ^ ${shift}::integer, ${unitOf(to)}) as largest`
  if (largest <= maxMoney) return
  throw new RuleBroken("price_out_of_range", "At this rate a price is beyond 10^12 minor units.", [
    { path: "body.convertPricesAt", message: "is too large" },
  ])
}
