/**
 * The rows of a booking. Writes: bookings, booking_participants, occupancies.
 * Guarantees:
 * - An occupancy exists exactly while its booking occupies the resource.
 * - The lock order is always the bookings row before the occupancy.
 * - A booking's row is locked before its state is judged.
 */
import type { Tx } from "#base/database/transaction.ts"
import { type AgreedTime, agreedTimeOf } from "./agreed-time.ts"
import type { BookingRow, LockedBooking, Status } from "./booking-row.ts"
import { maxBufferMinutes, occupancyOf } from "./buffers.ts"
import { takeCoach } from "./coach-time.ts"
import { longestBookingMinutes } from "./input.ts"

export type NewBooking = Pick<
  BookingRow,
  | "id"
  | "facility_id"
  | "resource_id"
  | "booking_type"
  | "booker_id"
  | "start_at"
  | "end_at"
  | "price_amount"
  | "price_lines"
  | "price_currency"
  | "payment_method"
  | "hold_id"
  | "participants"
  | "recurring_booking_id"
  | "cancellation_policy"
  | "buffer_minutes"
  | "title"
  | "note"
  | "answers"
> &
  AgreedTime & {
    readonly status: "held" | "pending" | "confirmed"
    readonly hold_minutes: number
    readonly created_by: string
  }

/** The columns that the database sets when it inserts a booking. */
export type Inserted = Pick<BookingRow, "hold_expires_at" | "confirmed_at" | "created_at">

/**
 * Takes the slot; undefined when the slot is occupied. "on conflict do nothing" waits for a transaction that is just
 * taking the same slot. A plain insert would deadlock, and a check before it would leave a gap. The booking's row is
 * inserted from the occupancy, so neither exists without the other.
 */
export async function insertBooking(tx: Tx, booking: NewBooking): Promise<Inserted | undefined> {
  const { id, facility_id, resource_id, status, participants } = booking
  const [start, end] = [booking.start_at.toISOString(), booking.end_at.toISOString()]
  const freeFrom = occupancyOf(booking).endAt.toISOString()
  const [row] = await tx<Inserted[]>`
    with taken as (
      insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
      values (${id}, ${facility_id}, ${resource_id}, tstzrange(${start}, ${freeFrom}))
      on conflict do nothing
      returning booking_id
    ), booked as (
      insert into slotbase.bookings (id, facility_id, resource_id, status, booking_type, booker_id, start_at, end_at,
        price_amount, price_lines, price_currency, payment_method, hold_id, hold_expires_at, is_recurring, recurring_booking_id,
        cancellation_policy, buffer_minutes, title, note, answers, confirmed_at, created_by, created_at, updated_at,
        agreed_timezone, agreed_start, agreed_end)
      select ${id}::uuid, ${facility_id}::uuid, ${resource_id}::uuid, ${status}, ${booking.booking_type},
        ${booking.booker_id}::uuid, ${start}::timestamptz, ${end}::timestamptz, ${booking.price_amount}::bigint,
        ${tx.json(booking.price_lines as never)}::jsonb, ${booking.price_currency}, ${booking.payment_method}, ${booking.hold_id}::uuid,
        case when ${status}::text = 'held' then t.now + make_interval(mins => ${booking.hold_minutes}::integer) end,
        ${booking.recurring_booking_id !== null}, ${booking.recurring_booking_id}::uuid,
        ${tx.json(booking.cancellation_policy as never)}::jsonb, ${booking.buffer_minutes}::smallint,
        ${booking.title}::text, ${booking.note}::text, ${tx.json(booking.answers as never)}::jsonb,
        case when ${status}::text = 'confirmed' then t.now end, ${booking.created_by}::uuid, t.now, t.now,
        ${booking.agreed_timezone}::text, ${booking.agreed_start}::timestamp, ${booking.agreed_end}::timestamp
      from taken cross join (select slotbase.now() as now) t
      returning id, facility_id, hold_expires_at, confirmed_at, created_at
    ), joined as (
      insert into slotbase.booking_participants (booking_id, facility_id, user_id, role)
      select b.id, b.facility_id, p.user_id, p.role
      from booked b
      cross join unnest(${participants.map((each) => each.userId)}::uuid[], ${participants.map((each) => each.role)}::text[])
        as p (user_id, role)
    )
    select hold_expires_at, confirmed_at, created_at from booked`
  return row
}

export type BookingChange = { readonly status: Status } & Partial<
  Pick<
    BookingRow,
    | "payment_method"
    | "hold_id"
    | "hold_expires_at"
    | "hold_extensions"
    | "approved_at"
    | "approved_by"
    | "refund_percent"
    | "refund_amount"
    | "forfeited_amount"
    | "confirmed_at"
    | "checked_in_at"
    | "completed_at"
    | "cancelled_at"
    | "cancelled_by"
    | "cancellation_reason"
    | "no_show_at"
    | "judged_by_staff"
  >
>

/** Moves a locked booking to its next state; `frees` gives the slot back. Answers the changed booking. */
export async function changeBooking(
  tx: Tx,
  booking: LockedBooking,
  change: BookingChange,
  frees = false,
): Promise<BookingRow> {
  const set = { ...change, updated_at: booking.now }
  const { id, facility_id } = booking
  const update = tx`update slotbase.bookings set ${tx(set)} where id = ${id} and facility_id = ${facility_id}`
  await Promise.all(frees ? [update, vacate(tx, booking)] : [update])
  return { ...booking, ...set }
}

/** Writes what a locked booking says. */
export async function writeDetails(
  tx: Tx,
  booking: LockedBooking,
  details: Pick<BookingRow, "title" | "note" | "answers">,
): Promise<BookingRow> {
  const { id, facility_id, now } = booking
  await tx`
    update slotbase.bookings
    set title = ${details.title}, note = ${details.note}, answers = ${tx.json(details.answers as never)}, updated_at = ${now}
    where id = ${id} and facility_id = ${facility_id}`
  return { ...booking, ...details, updated_at: now }
}

/** The new place of a booking, with the price and the cancellation policy there. */
export type Move = Pick<
  BookingRow,
  | "resource_id"
  | "resource_name"
  | "start_at"
  | "end_at"
  | "buffer_minutes"
  | "price_amount"
  | "price_lines"
  | "forfeited_amount"
  | "cancellation_policy"
>

/**
 * Moves the occupancy of a locked booking: deletes it, then inserts the new one. False when another booking has the
 * time. The old occupancy is gone by then, so the caller must throw. Two bookings may be exchanging places, so one of
 * them must have taken `lockMoves` first.
 * @param coachId the coach of a lesson, who moves with it; the caller has taken `lockCoach` after `lockMoves`
 */
export async function moveOccupancy(
  tx: Tx,
  booking: LockedBooking,
  to: Move,
  coachId: string | undefined,
): Promise<boolean> {
  const { id, facility_id } = booking
  const [, taken] = await Promise.all([
    tx`delete from slotbase.occupancies where booking_id = ${id} and facility_id = ${facility_id}`.execute(),
    occupyWithCoach(tx, { ...booking, ...to }, coachId),
  ])
  return taken
}

/** Takes the time, and that of the coach; false, and neither is taken, when one of them is not free. */
export async function occupyWithCoach(
  tx: Tx,
  booking: Parameters<typeof occupy>[1],
  coachId: string | undefined,
): Promise<boolean> {
  if (coachId === undefined) return occupy(tx, booking)
  const [taken, coached] = await Promise.all([occupy(tx, booking), takeCoach(tx, booking, coachId)])
  if (taken && !coached) await vacate(tx, booking)
  return taken && coached
}

/** Writes the new time and price into a booking whose occupancy has been moved. */
export async function changeTime(tx: Tx, booking: LockedBooking, to: Move): Promise<BookingRow> {
  // A move asks for an open time, and begins anew.
  const fresh = { struck_at: null, struck_reason: null, struck_told_at: null, judged_by_staff: false }
  const { resource_name, ...set } = { ...to, ...fresh, rescheduled_at: booking.now, updated_at: booking.now }
  const written = {
    ...set,
    ...agreedTimeOf(booking.timezone, { start: to.start_at.getTime(), end: to.end_at.getTime() }),
    price_lines: tx.json(to.price_lines as never),
    cancellation_policy: tx.json(to.cancellation_policy as never),
  }
  await tx`update slotbase.bookings set ${tx(written)} where id = ${booking.id} and facility_id = ${booking.facility_id}`
  return { ...booking, ...set, resource_name }
}

/** After a change of law: the time on the wall at the booking's instants becomes the agreed one. */
export async function agreeAnew(tx: Tx, booking: LockedBooking): Promise<void> {
  const span = { start: booking.start_at.getTime(), end: booking.end_at.getTime() }
  const set = { ...agreedTimeOf(booking.timezone, span), updated_at: booking.now }
  await tx`update slotbase.bookings set ${tx(set)} where id = ${booking.id} and facility_id = ${booking.facility_id}`
}

/**
 * SQL: the update that marks bookings as struck, or unmarks them. `changed` selects and locks them: id, facility_id and
 * why (null: their time is open). A booker who was told that nobody has to come is no automatic no-show later on.
 */
export const strike = (tx: Tx, changed: ReturnType<typeof tx>) => tx`
  update slotbase.bookings b
  set struck_at = case when c.why is not null then coalesce(b.struck_at, t.now) end, struck_reason = c.why,
      struck_told_at = case when c.why is not null then b.struck_told_at end,
      judged_by_staff = b.judged_by_staff or c.why is null and b.struck_told_at is not null,
      updated_at = t.now
  from (${changed}) c cross join (select slotbase.now() as now) t
  where b.id = c.id and b.facility_id = c.facility_id
  returning b.id, b.start_at, b.struck_reason is not null and b.struck_at = t.now as is_new`

/** Marks a locked booking as struck. */
export const strikeOne = (tx: Tx, { id, facility_id, now }: LockedBooking, why: string) => tx`
  update slotbase.bookings set struck_at = ${now}, struck_reason = ${why}, updated_at = ${now}
  where id = ${id} and facility_id = ${facility_id}`

/** Notes that the bookers of locked bookings were told. */
export async function markTold(tx: Tx, told: readonly LockedBooking[]): Promise<void> {
  if (told.length === 0) return
  await tx`
    update slotbase.bookings set struck_told_at = slotbase.now()
    where id = any (${told.map(({ id }) => id)}::uuid[]) and facility_id = any (${told.map((each) => each.facility_id)}::uuid[])`
}

/**
 * Two bookings that exchange places at once would deadlock, so moves inside a facility run one after the other. Take
 * this lock after the booking's own lock.
 */
export const lockMoves = (tx: Tx, facilityId: string) =>
  tx`select pg_advisory_xact_lock(hashtext('slotbase moves'), hashtext(${facilityId}))`

/** Takes the time of a locked booking that occupies nothing now; false when another booking has the time. */
export async function occupy(
  tx: Tx,
  booking: Pick<BookingRow, "id" | "facility_id" | "resource_id" | "start_at" | "end_at" | "buffer_minutes">,
): Promise<boolean> {
  const { id, facility_id, resource_id } = booking
  const { startAt, endAt } = occupancyOf(booking)
  const rows = await tx`
    insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
    values (${id}, ${facility_id}, ${resource_id}, tstzrange(${startAt.toISOString()}, ${endAt.toISOString()}))
    on conflict do nothing
    returning booking_id`
  return rows.length > 0
}

/** Gives back the time of a locked booking. */
export const vacate = (tx: Tx, { id, facility_id }: Pick<BookingRow, "id" | "facility_id">) => tx`
  delete from slotbase.occupancies where booking_id = ${id} and facility_id = ${facility_id}`

/** Whether a booking occupies its time. */
export async function occupies(tx: Tx, { id, facility_id }: Pick<BookingRow, "id" | "facility_id">): Promise<boolean> {
  return (
    (await tx`select from slotbase.occupancies where booking_id = ${id} and facility_id = ${facility_id}`).length > 0
  )
}

/**
 * Releases expired holds of a coach's lessons that stand in the way, in whatever facility. Skips holds that another
 * transaction has locked: that one may be waiting for the coach. If it releases the hold, the next attempt waits.
 */
export const expireHoldsOfCoach = (tx: Tx, coachId: string, start: Date, end: Date) =>
  expire(
    tx,
    tx`
      select b.id, b.facility_id from slotbase.coach_occupancies c
      join slotbase.bookings b on b.id = c.booking_id and b.facility_id = c.facility_id
      where c.coach_id = ${coachId} and c.during && tstzrange(${start.toISOString()}, ${end.toISOString()})
        and b.status = 'held' and b.hold_expires_at <= (select slotbase.now())
      order by b.facility_id, b.id
      for update of b skip locked`,
  )

/** A hold that was released because its time was over. */
export type ExpiredHold = Pick<
  BookingRow,
  | "id"
  | "facility_id"
  | "resource_id"
  | "booking_type"
  | "booker_id"
  | "start_at"
  | "end_at"
  | "buffer_minutes"
  | "updated_at"
> & { readonly hold_id: string }

/**
 * Releases expired holds that stand in the way, with their buffers. Waits for a transaction that has locked one of
 * them, and leaves a hold that this transaction keeps alive.
 */
export const expireHoldsIn = (tx: Tx, facilityId: string, resourceId: string, start: Date, end: Date) =>
  expire(
    tx,
    tx`
      select b.id, b.facility_id from slotbase.bookings b
      where b.facility_id = ${facilityId} and b.resource_id = ${resourceId}
        and b.start_at < ${end.toISOString()} and b.end_at + make_interval(mins => b.buffer_minutes) > ${start.toISOString()}
        and b.start_at > ${new Date(start.getTime() - (longestBookingMinutes + maxBufferMinutes) * 60_000).toISOString()}
        and b.status = 'held' and b.hold_expires_at <= (select slotbase.now())
      order by b.id
      for update`,
  )

/**
 * Releases these holds, if they have expired. Skips holds that another transaction has locked: it may be confirming
 * one in its last moment.
 */
export const expireHoldsNamed = (tx: Tx, facilityId: string, ids: readonly string[]) =>
  expire(
    tx,
    tx`
      select b.id, b.facility_id from slotbase.bookings b
      where b.id = any (${[...ids]}::uuid[]) and b.facility_id = ${facilityId}
        and b.status = 'held' and b.hold_expires_at <= (select slotbase.now())
      for update skip locked`,
  )

/**
 * Releases the longest expired holds, at most `limit`, of one facility or of all. Skips holds that another
 * transaction has locked.
 */
export const expireHoldsAnywhere = (tx: Tx, limit: number, facilityId?: string) =>
  expire(
    tx,
    tx`
      select b.id, b.facility_id from slotbase.bookings b
      where b.status = 'held' and b.hold_expires_at <= (select slotbase.now())
        ${facilityId === undefined ? tx`` : tx`and b.facility_id = ${facilityId}`}
      order by b.hold_expires_at
      limit ${limit}
      for update skip locked`,
  )

const expire = (tx: Tx, expired: ReturnType<typeof tx>) =>
  tx<ExpiredHold[]>`
    with expired as materialized (${expired}), freed as (
      delete from slotbase.occupancies o using expired
      where o.booking_id = expired.id and o.facility_id = expired.facility_id
    )
    update slotbase.bookings b
    set status = 'expired', updated_at = t.now
    from expired cross join (select slotbase.now() as now) t
    where b.id = expired.id and b.facility_id = expired.facility_id
    returning b.id, b.facility_id, b.resource_id, b.booking_type, b.booker_id, b.start_at, b.end_at,
      b.buffer_minutes, b.updated_at, b.hold_id`
