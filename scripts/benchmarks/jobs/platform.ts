// A large platform, written by SQL. Its facilities are in 38 zones, and each has four courts and people. The bookings
// are from twenty days ago to twenty days ahead, on the half hour. A few bookings are holds. Nobody waits for a court,
// and no webhook fails.

import type { Db } from "#base/database/db.ts"
import { rootUserId } from "#base/ids.ts"

export interface PlatformSize {
  readonly facilities: number
  readonly bookings: number
}

/** One zone of each offset that is in use, those with clock changes included. */
export const zones: readonly string[] = [
  "Pacific/Pago_Pago",
  "Pacific/Honolulu",
  "Pacific/Marquesas",
  "America/Anchorage",
  "America/Los_Angeles",
  "America/Denver",
  "America/Chicago",
  "America/New_York",
  "America/Havana",
  "America/Santiago",
  "America/St_Johns",
  "America/Sao_Paulo",
  "America/Noronha",
  "Atlantic/Azores",
  "Europe/London",
  "Europe/Berlin",
  "Africa/Cairo",
  "Asia/Beirut",
  "Europe/Moscow",
  "Asia/Tehran",
  "Asia/Dubai",
  "Asia/Kabul",
  "Asia/Karachi",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Asia/Dhaka",
  "Asia/Yangon",
  "Asia/Bangkok",
  "Asia/Singapore",
  "Australia/Eucla",
  "Asia/Tokyo",
  "Australia/Adelaide",
  "Australia/Sydney",
  "Australia/Lord_Howe",
  "Pacific/Noumea",
  "Pacific/Auckland",
  "Pacific/Chatham",
  "Pacific/Kiritimati",
]

/** From twenty days ago to twenty days ahead. */
const halfHours = 40 * 48
const courtsEach = 4
const peopleEach = 20
const facilitiesAtOnce = 50

export async function fillPlatform(
  db: Db,
  { facilities, bookings }: PlatformSize,
  progress: (line: string) => void,
): Promise<void> {
  const began = performance.now()
  const each = bookings / facilities
  for (let from = 0; from < facilities; from += facilitiesAtOnce) {
    const count = Math.min(facilitiesAtOnce, facilities - from)
    await db.begin(async (tx) => {
      const opened = await tx<{ id: string }[]>`
        insert into slotbase.facilities (id, name, timezone, currency, sport_types, opening_hours, owner_id)
        select gen_random_uuid(), 'Club ' || n, (${[...zones]}::text[])[1 + n % ${zones.length}], 'EUR', '{}', '{}', ${rootUserId}
        from generate_series(${from}::integer, ${from + count - 1}::integer) n
        returning id`
      const ids = opened.map(({ id }) => id)
      await tx`
        insert into slotbase.resources (id, facility_id, name, resource_type, hourly_price)
        select gen_random_uuid(), f, 'Court ' || n, 'court', 2400
        from unnest(${ids}::uuid[]) f, generate_series(1, ${courtsEach}::integer) n`
      const made = await tx<{ id: string }[]>`
        insert into slotbase.users (id, email, first_name, last_name)
        select u, u || '@example.com', 'Mia', 'Keller'
        from (select gen_random_uuid() as u from generate_series(1, ${count * peopleEach}::integer)) made
        returning id`
      const people = made.map(({ id }) => id)
      await tx`
        with courts as materialized (
          select facility_id, array_agg(id) as ids from slotbase.resources where facility_id = any (${ids}) group by facility_id
        )
        insert into slotbase.bookings (id, facility_id, resource_id, status, booker_id, start_at, end_at, price_amount,
          price_currency, payment_method, hold_id, hold_expires_at, confirmed_at, created_by)
        select gen_random_uuid(), c.facility_id, c.ids[1 + n % ${courtsEach}], s.status, b.booker, t.start_at,
               t.start_at + interval '1 hour', 2400, 'EUR', case when s.status = 'confirmed' then 'offline' end,
               case when s.status = 'held' then gen_random_uuid() end,
               case when s.status = 'held' then slotbase.now() + (n * 37 + h.own) % 7200 * interval '1 second' end,
               case when s.status <> 'held' then t.start_at - interval '10 days' end, b.booker
        from courts c
        cross join generate_series(0, ${each - 1}::integer) n
        cross join lateral (
          select abs(hashtext(c.facility_id::text)) as own) h
        cross join lateral (
          select date_trunc('hour', slotbase.now()) + (floor((n - ${Math.floor(each / 2)}) * ${halfHours} / ${each}) + h.own % 10)
                 * interval '30 minutes' as start_at) t
        cross join lateral (
          select case when t.start_at < slotbase.now() - interval '1 hour' then 'completed'
                      when t.start_at > slotbase.now() and n % 50 = 0 then 'held' else 'confirmed' end as status) s
        cross join lateral (select (${people}::uuid[])[1 + (n * 7) % ${people.length}] as booker) b`
    })
    if ((from / facilitiesAtOnce) % 20 === 19)
      progress(
        `${from + count} of ${facilities} facilities, after ${Math.round((performance.now() - began) / 1_000)} s`,
      )
  }
  await db`vacuum (analyze)`
  await db`checkpoint`
}
