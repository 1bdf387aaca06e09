/** What must be so in the end: every account is even, and nobody is in two places. Reads only. */
import type { Db } from "#base/database/db.ts"

export interface Ends {
  readonly accounts: number
  /** Accounts whose ledger disagrees with the payments, refunds and charges. */
  readonly uneven: readonly string[]
  /** People with a time in a booking. */
  readonly people: number
  /** The names of those who are in two bookings at one time. */
  readonly twice: readonly string[]
}

/** The ends of some facilities. People count across all of them: as booker, participant, student or coach. */
export async function readEnds(db: Db, facilityIds: readonly string[]): Promise<Ends> {
  const ids = facilityIds as string[]
  const accounts = await db<{ name: string; conserved: boolean }[]>`
    select concat_ws(' ', facility, account, currency) as name, conserved
    from slotbase.money_balances where facility_id = any (${ids}) order by 1`
  // Of a lesson or a block its coach and students are there; who pays for a lesson need not be.
  const people = await db<{ name: string; twice: boolean }[]>`
    with standing as (
      select id, facility_id, booker_id, start_at, end_at from slotbase.bookings
      where facility_id = any (${ids}) and status in ('held', 'pending', 'confirmed', 'checked_in', 'completed')
    ), places as (
      select b.booker_id as user_id, b.id, b.start_at, b.end_at from standing b
      where not exists (
        select from slotbase.coach_sessions s where s.booking_id = b.id and s.facility_id = b.facility_id)
      union
      select p.user_id, b.id, b.start_at, b.end_at from standing b
      join slotbase.booking_participants p on p.booking_id = b.id and p.facility_id = b.facility_id
      union
      select t.user_id, b.id, b.start_at, b.end_at from standing b
      join slotbase.coach_sessions s on s.booking_id = b.id and s.facility_id = b.facility_id and s.cancelled_at is null
      join slotbase.coach_session_students t on t.session_id = s.id and t.facility_id = s.facility_id
      union
      select c.coach_id, b.id, b.start_at, b.end_at from standing b
      join (
        select booking_id, facility_id, coach_id from slotbase.coach_sessions
        union all
        select booking_id, facility_id, coach_id from slotbase.coach_blocks
      ) c on c.booking_id = b.id and c.facility_id = b.facility_id
    )
    select concat_ws(' ', u.first_name, u.last_name) as name, bool_or(other.id is not null) as twice
    from places p
    join slotbase.users u on u.id = p.user_id
    left join places other
      on other.user_id = p.user_id and other.id > p.id and other.start_at < p.end_at and other.end_at > p.start_at
    group by u.id order by 1`
  return {
    accounts: accounts.length,
    uneven: accounts.filter(({ conserved }) => !conserved).map(({ name }) => name),
    people: people.length,
    twice: people.filter(({ twice }) => twice).map(({ name }) => name),
  }
}

export function endLines({ accounts, uneven, people, twice }: Ends): string[] {
  const odd = uneven.length === 0 ? "" : ` WRONG: ${uneven.join(", ")}.`
  const torn = twice.length === 0 ? "" : ` WRONG: ${twice.join(", ")}.`
  return [
    `Money: ${accounts - uneven.length} of ${accounts} accounts are even.${odd}`,
    `Places: ${people - twice.length} of ${people} people are in one place at a time.${torn}`,
  ]
}

export const endsAreRight = ({ uneven, twice }: Ends): boolean => uneven.length === 0 && twice.length === 0
