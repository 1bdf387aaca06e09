/**
 * Explains a strike to staff, by rules and in the language of the facility, with a proposal. A person decides: nothing
 * is taken back by itself. The facts are read when the event is handled, so a strike that was waived before needs no
 * report.
 */
import type { Tx } from "#base/database/transaction.ts"
import type { Language } from "#base/languages.ts"
import { wallTimeOf } from "#base/local-days.ts"
import type { EventData } from "#events/catalogue.ts"
import { insertAgentReport } from "./rows.ts"
import { strikeLines } from "./strike-words.ts"

/** Answers why there is no report; undefined: there is one. */
export async function explainStrike(
  tx: Tx,
  facilityId: string,
  eventId: string,
  data: EventData<"booking.no_show">,
): Promise<string | undefined> {
  const facts = await factsOf(tx, facilityId, data)
  if (facts === undefined) return "the booking is gone"
  if (!facts.stands) return "the strike is waived already"
  const isFirst = facts.strikes <= 1 && facts.kept >= reliable
  const when = wallTimeOf(facts.timezone, Date.parse(data.scheduledAt))
  const lines = strikeLines[facts.language]({
    ...{ name: facts.name, resource: facts.resource, day: when.slice(0, 10), time: when.slice(11, 16) },
    ...{ counting: data.strikeCount, strikes: facts.strikes, kept: facts.kept, hasFee: data.feeCharged > 0 },
    ...{ isRestricted: data.restrictionApplied, until: restrictedUntil(facts), isFirst },
  })
  const report = { facility_id: facilityId, event_id: eventId, agent: "EnforcementAgent", lines } as const
  const proposal = isFirst ? "waive" : "keep"
  const isNew = await insertAgentReport(tx, { ...report, subject_id: data.bookingId, proposal })
  return isNew ? undefined : "this event has its report"
}

/** A person is reliable who has kept so many bookings in a year. */
const reliable = 5

interface Facts {
  readonly name: string
  readonly resource: string
  readonly timezone: string
  readonly language: Language
  readonly restricted_until: Date | null
  readonly strikes: number
  readonly kept: number
  readonly stands: boolean
}

async function factsOf(tx: Tx, facilityId: string, { bookingId, userId }: EventData<"booking.no_show">) {
  const [row] = await tx<Facts[]>`
    select u.first_name || ' ' || u.last_name as name, r.name as resource, f.timezone, f.language,
           (select s.restricted_until from slotbase.strike_ledger s
            where s.booking_id = b.id and s.facility_id = b.facility_id and s.points = 1
            order by s.round desc limit 1) as restricted_until,
           (select coalesce(sum(s.points), 0) > 0 from slotbase.strike_ledger s
            where s.booking_id = b.id and s.facility_id = b.facility_id) as stands,
           (select count(*) from slotbase.strike_ledger s
            where s.user_id = ${userId} and s.facility_id = ${facilityId} and s.points = 1
              and s.made_at > slotbase.now() - interval '12 months')::integer as strikes,
           (select count(*) from slotbase.bookings k
            where k.booker_id = ${userId} and k.facility_id = ${facilityId} and k.status in ('checked_in', 'completed')
              and k.start_at > slotbase.now() - interval '12 months')::integer as kept
    from slotbase.bookings b
    join slotbase.users u on u.id = b.booker_id
    join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
    join slotbase.facilities f on f.id = b.facility_id
    where b.id = ${bookingId} and b.facility_id = ${facilityId}`
  return row
}

const restrictedUntil = ({ restricted_until, timezone }: Facts) =>
  restricted_until === null ? null : wallTimeOf(timezone, restricted_until.getTime()).slice(0, 10)
