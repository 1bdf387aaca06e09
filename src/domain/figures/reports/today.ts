/** What a local day brings to a facility: its bookings, its coaches, and what is closed. Only reads. */
import type { Queryable } from "#base/database/db.ts"
import { spanOfDay } from "#base/local-days.ts"
import { closuresIn } from "#domain/club/closed.ts"
import type { ReportFigures } from "./answer.ts"

type Today = NonNullable<ReportFigures["today"]>

/** @param names of the facility's resources, by id */
export async function todayOf(
  db: Queryable,
  { id, timezone }: { readonly id: string; readonly timezone: string },
  day: string,
  names: ReadonlyMap<string, string>,
): Promise<Today> {
  const span = spanOfDay(timezone, day)
  const [starts, ends] = [new Date(span.start).toISOString(), new Date(span.end).toISOString()]
  const ofDay = db`
    b.facility_id = ${id} and b.start_at >= ${starts} and b.start_at < ${ends}
    and b.status in ('confirmed', 'checked_in', 'completed')`
  const [[counts], coaches, closures] = await Promise.all([
    db<[{ bookings: number; minutes: number; first: Date | null }]>`
      select count(*)::integer as bookings, min(b.start_at) as first,
             coalesce(sum(extract(epoch from b.end_at - b.start_at) / 60), 0)::float8 as minutes
      from slotbase.bookings b where ${ofDay}`,
    db<{ id: string; name: string; lessons: number; first: Date }[]>`
      select u.id, u.first_name || ' ' || u.last_name as name, count(*)::integer as lessons, min(b.start_at) as first
      from slotbase.bookings b
      join slotbase.coach_occupancies c on c.booking_id = b.id and c.facility_id = b.facility_id
      join slotbase.users u on u.id = c.coach_id
      where ${ofDay}
      group by u.id order by first, u.id`,
    closuresIn(db, id, span),
  ])
  return {
    day,
    bookings: counts.bookings,
    bookedMinutes: counts.minutes,
    firstStartAt: counts.first?.toISOString() ?? null,
    coaches: coaches.map(({ id: coachId, name, lessons, first }) => ({
      ...{ coachId, name, lessons },
      firstStartAt: first.toISOString(),
    })),
    closures: closures.map(({ reason, start, end, resourceIds }) => ({
      reason,
      startAt: new Date(start).toISOString(),
      endAt: new Date(end).toISOString(),
      resources: resourceIds?.flatMap((resource) => names.get(resource) ?? []) ?? null,
    })),
  }
}
