/**
 * Reminders of bookings. Each reminder is decided once per booking, type, channel and start, in the transaction that
 * records booking.reminder.due. NotificationHandler sends it. After the mail server has taken the message, the
 * transaction that marks the reminder as sent records booking.reminder.sent. A booking that was confirmed or moved
 * after the instant of a reminder gets none of that type. Its booker has just received the news of that change.
 * Writes: booking_reminders, reminder_progress.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { EventData } from "#events/catalogue.ts"
import { record } from "#events/outbox.ts"

type ReminderType = EventData<"booking.reminder.due">["reminderType"]

export interface Decided {
  /** Reminders that are sent now. */
  readonly due: number
  /** Reminders that are never sent: the system was not running when they became due, and a later one is due by now. */
  readonly overtaken: number
  /** More may be due. */
  readonly more: boolean
}

/**
 * Decides the reminders that have come due since the last pass, the longest due first, at most `limit`. With a
 * `facilityId` it checks all coming bookings of that facility instead. That finds more only if something went wrong.
 */
export async function decideReminders(tx: Tx, limit: number, facilityId?: string): Promise<Decided> {
  const lookedUntil = facilityId === undefined ? await lockProgress(tx) : longAgo
  // Another process is deciding.
  if (lookedUntil === undefined) return { due: 0, overtaken: 0, more: false }
  const [{ now }] = await tx<[{ now: Date }]>`select slotbase.now() as now`
  const since = sinceOf(lookedUntil, now)
  const found = await findDue(tx, { now, since, limit, ...(facilityId !== undefined && { facilityId }) })
  const decided = found.length === 0 ? [] : await keep(tx, found)
  const due = decided.filter((reminder) => !reminder.overtaken)
  for (const reminder of due) {
    record(tx, { type: "booking.reminder.due", facilityId: reminder.facility_id, data: dataOf(reminder) })
  }
  const more = found.length === limit
  if (facilityId === undefined && !more) await tx`update slotbase.reminder_progress set looked_until = ${now}`
  return { due: due.length, overtaken: decided.length - due.length, more }
}

/**
 * The instant of the next reminder, if it comes within the horizon. One that is confirmed meanwhile is not in it.
 * A pass over 5,000 facilities asks the index of starts 10,000 times, so it is not asked for each event.
 */
export async function nextReminderAt(db: Queryable, horizonMs: number): Promise<Date | undefined> {
  const horizon = db`${horizonMs}::double precision * interval '1 ms'`
  const [row] = await db<[{ due_at: Date | null }]>`
    with kinds as materialized (${kindsOf(db)}), at as materialized (select slotbase.now() as now)
    select min(next.due_at) as due_at
    from at, kinds k
    cross join lateral (
      select b.start_at - k.before as due_at from slotbase.bookings b
      where b.facility_id = k.facility_id
        and b.start_at > at.now + k.before and b.start_at <= at.now + k.before + ${horizon}
        and b.status = 'confirmed' and b.struck_at is null
        and b.booking_type <> all (${withoutReminders})
        and greatest(b.confirmed_at, b.rescheduled_at, k.since) <= b.start_at - k.before
      order by b.start_at
      limit 1
    ) next`
  return row.due_at ?? undefined
}

/** How many reminders the next pass would decide, to know before running it. */
export async function countDueReminders(db: Queryable, facilityId?: string): Promise<number> {
  const [progress] = await db<[{ now: Date; looked_until: Date }]>`
    select slotbase.now() as now, looked_until from slotbase.reminder_progress`
  const { now, looked_until } = progress
  const since = sinceOf(facilityId === undefined ? looked_until : longAgo, now)
  const found = await findDue(db, { now, since, limit: 1_000_000, ...(facilityId && { facilityId }) })
  return found.length
}

/** Why a due reminder must not be sent any more; undefined when it may be sent. */
export async function noLongerTrue(db: Queryable, due: EventData<"booking.reminder.due">): Promise<string | undefined> {
  const [booking] = await db<{ status: string; start_at: Date; struck_reason: string | null; now: Date }[]>`
    select status, start_at, struck_reason, slotbase.now() as now from slotbase.bookings
    where id = ${due.bookingId} and facility_id = ${due.facilityId}`
  if (booking === undefined) return "there is no such booking"
  if (booking.start_at.toISOString() !== due.startAt) return "the booking was moved"
  if (booking.status !== "confirmed") return `the booking is ${booking.status}`
  if (booking.struck_reason !== null) return "its time is not open any more"
  return booking.start_at <= booking.now ? "the booking has begun" : undefined
}

/**
 * The booker was reminded. Records `booking.reminder.sent` in the transaction that marks the message sent.
 * @param userId The reminded person; @param sentAt When the mail server took the message.
 */
export async function reminderSent(
  tx: Tx,
  due: EventData<"booking.reminder.due">,
  {
    userId,
    channel,
    sentAt,
  }: { readonly userId: string; readonly channel: "email" | "sms" | "push"; readonly sentAt: Date },
): Promise<void> {
  const { bookingId, facilityId, reminderType, resourceId } = due
  await tx`
    update slotbase.booking_reminders set status = 'sent', sent_at = ${sentAt}
    where booking_id = ${bookingId} and facility_id = ${facilityId} and reminder_type = ${reminderType}
      and channel = ${channel} and start_at = ${due.startAt}`
  record(tx, {
    type: "booking.reminder.sent",
    facilityId,
    occurredAt: sentAt,
    data: { bookingId, userId, reminderType, channel, sentAt: sentAt.toISOString() },
    about: { resourceId },
  })
}

interface DueReminder {
  readonly booking_id: string
  readonly facility_id: string
  readonly resource_id: string
  readonly booker_id: string
  readonly start_at: Date
  readonly end_at: Date
  readonly reminder_type: ReminderType
  readonly minutes: number
  readonly due_at: Date
  readonly overtaken: boolean
}

const longAgo = new Date(0)
/**
 * Each scan overlaps the last one. A booking that came due in a transaction that was still open is found by the next
 * scan.
 */
const overlapMs = 10 * 60_000
/** A last scan in the future says that the clock was moved back since. Then all coming bookings are checked. */
const sinceOf = (lookedUntil: Date, now: Date) =>
  lookedUntil > now ? longAgo : new Date(lookedUntil.getTime() - overlapMs)
/** Booking types to which nobody comes to play. */
const withoutReminders = ["coach_block", "maintenance"]

async function lockProgress(tx: Tx): Promise<Date | undefined> {
  const [row] = await tx<{ looked_until: Date }[]>`
    select looked_until from slotbase.reminder_progress for update skip locked`
  return row?.looked_until
}

/** What each facility reminds of: `before` is the time before the start. */
const kindsOf = (sql: Queryable, facilityId?: string) => sql`
  select f.id as facility_id, k.type, k.minutes, k.since, make_interval(mins => k.minutes) as before,
         array_agg(k.minutes) over (partition by f.id) as all_minutes
  from slotbase.facilities f
  left join slotbase.reminder_settings s on s.facility_id = f.id
  cross join lateral (values
    ('24h', 1440, '-infinity'::timestamptz, coalesce(s.remind_24h, true)),
    ('1h', 60, '-infinity'::timestamptz, coalesce(s.remind_1h, true)),
    ('custom', s.custom_minutes, s.custom_since, s.custom_minutes is not null)
  ) as k (type, minutes, since, wanted)
  where k.wanted ${facilityId === undefined ? sql`` : sql`and f.id = ${facilityId}`}`

/**
 * Undecided reminders that have come due after `since`. Bookings are found facility by facility, by the index of
 * their start, within the minutes that have come due since. So a tick costs the same however many bookings the next
 * day has.
 */
const findDue = (
  sql: Queryable,
  {
    now,
    since,
    limit,
    facilityId,
  }: { readonly now: Date; readonly since: Date; readonly limit: number; readonly facilityId?: string },
) => sql<DueReminder[]>`
  with kinds as materialized (${kindsOf(sql, facilityId)})
  select b.id as booking_id, b.facility_id, b.resource_id, b.booker_id, b.start_at, b.end_at,
         k.type as reminder_type, k.minutes, b.start_at - k.before as due_at,
         exists (select from unnest(k.all_minutes) m
                 where m < k.minutes and b.start_at - make_interval(mins => m) <= ${now}) as overtaken
  from kinds k
  cross join lateral (
    select b.* from slotbase.bookings b
    where b.facility_id = k.facility_id
      and b.start_at > greatest(${now}::timestamptz, ${since}::timestamptz + k.before)
      and b.start_at <= ${now}::timestamptz + k.before
      and b.status = 'confirmed' and b.struck_at is null
      and b.booking_type <> all (${withoutReminders})
      and greatest(b.confirmed_at, b.rescheduled_at, k.since) <= b.start_at - k.before
  ) b
  where not exists (
    select from slotbase.booking_reminders r
    where r.booking_id = b.id and r.facility_id = b.facility_id and r.reminder_type = k.type and r.channel = 'email'
      and r.start_at = b.start_at)
  order by due_at, b.id
  limit ${limit}`

/**
 * Locks the bookings and keeps the reminders of unchanged ones. A booking that is being changed is left to the next
 * tick.
 */
async function keep(tx: Tx, found: readonly DueReminder[]): Promise<readonly DueReminder[]> {
  const rows = found.map(({ booking_id, facility_id, reminder_type, start_at, booker_id, overtaken }) => ({
    booking_id,
    facility_id,
    reminder_type,
    start_at,
    user_id: booker_id,
    status: overtaken ? "overtaken" : "due",
  }))
  const kept = await tx<{ booking_id: string; reminder_type: string }[]>`
    with wanted as materialized (
      select * from jsonb_to_recordset(${tx.json(rows as never)}) as w (
        booking_id uuid, facility_id uuid, reminder_type text, start_at timestamptz, user_id uuid, status text)
    ), unchanged as materialized (
      select b.id, b.facility_id, b.start_at from slotbase.bookings b
      where (b.id, b.facility_id) in (select w.booking_id, w.facility_id from wanted w) and b.status = 'confirmed'
      order by b.id
      for update skip locked
    )
    insert into slotbase.booking_reminders (booking_id, facility_id, reminder_type, channel, start_at, user_id, status)
    select w.booking_id, w.facility_id, w.reminder_type, 'email', w.start_at, w.user_id, w.status
    from wanted w
    join unchanged u on u.id = w.booking_id and u.facility_id = w.facility_id and u.start_at = w.start_at
    on conflict do nothing
    returning booking_id, reminder_type`
  const names = new Set(kept.map((row) => `${row.booking_id} ${row.reminder_type}`))
  return found.filter((reminder) => names.has(`${reminder.booking_id} ${reminder.reminder_type}`))
}

const dataOf = (reminder: DueReminder): EventData<"booking.reminder.due"> => ({
  bookingId: reminder.booking_id,
  facilityId: reminder.facility_id,
  resourceId: reminder.resource_id,
  bookerId: reminder.booker_id,
  startAt: reminder.start_at.toISOString(),
  endAt: reminder.end_at.toISOString(),
  reminderType: reminder.reminder_type,
  minutesBefore: reminder.minutes,
  dueAt: reminder.due_at.toISOString(),
})
