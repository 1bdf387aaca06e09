/**
 * What a link of a mail or text opens, for the person that it went to. The link names a message, and the message names
 * the person, the facility and the event. The person has the rights of a member, whatever other role they hold: a mail
 * opens no more than what it tells. Nothing is opened after the person has left the facility.
 */
import { type Caller, callerOf, type Member, requireMember } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import type { Language } from "#base/languages.ts"
import type { SecretBox } from "#base/secrets.ts"
import { addressIn } from "#domain/people/address.ts"
import { isTokenOf, messageIn } from "./tokens.ts"

export interface OpenedLink {
  readonly member: Member
  readonly language: Language
  /** IANA zone of the reader. */
  readonly timezone: string
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  /** The bookings of the event, in its order. */
  readonly bookingIds: readonly string[]
  /** The entry of the waitlist; undefined: the message is no offer. */
  readonly entryId: string | undefined
  /** The invoice over a month; undefined: the message is about bookings. */
  readonly invoiceId: string | undefined
  /** The message is about money: its reader has paid, for themselves or somebody else. */
  readonly isPayer: boolean
  /** The reader is the coach of the lesson. */
  readonly isCoach: boolean
}

/** A link works until so many days after the message, and after the end of its last booking. */
export const linkDays = 7
/** Of an invoice: longer than its payer has time. */
const invoiceLinkDays = 60

/** Undefined: it is no link, is over, or belongs to another address or number than the person has now. */
export async function openLink(db: Db, secrets: SecretBox, token: string): Promise<OpenedLink | undefined> {
  const message = messageIn(token)
  if (message === undefined) return undefined
  const [row] = await db<Row[]>`
    select n.facility_id, n.user_id, n.type, e.data,
           case n.channel
             when 'sms' then (select p.number from slotbase.phones p where p.user_id = n.user_id and p.number = n.address)
             else ${addressIn(db, db`n.facility_id`)}
           end as reach,
           coalesce(u.language, f.language) as language, coalesce(u.timezone, f.timezone) as reader_zone,
           f.name, f.timezone, f.currency,
           exists (select from slotbase.coach_sessions s
                   where s.facility_id = n.facility_id and s.booking_id = (e.data ->> 'bookingId')::uuid
                     and s.coach_id = n.user_id) as is_coach,
           (select slotbase.now()) > greatest(n.created_at, (
             select max(b.end_at) from slotbase.bookings b
             where b.facility_id = n.facility_id and b.id = any (array(
               select jsonb_array_elements_text(coalesce(e.data -> 'bookingIds', jsonb_build_array(coalesce(e.data -> 'bookingId', e.data -> 'referenceId'))))::uuid))
           )) + make_interval(days => case n.type when 'invoice.issued' then ${invoiceLinkDays}::integer else ${linkDays}::integer end) as is_over
    from slotbase.notifications n
    join slotbase.users u on u.id = n.user_id
    join slotbase.facilities f on f.id = n.facility_id
    join slotbase.events e on e.id = n.event_id and e.facility_id = n.facility_id
    where n.id = ${message.id} and n.facility_id = ${message.facilityId} 
      and (n.channel = 'sms' or n.channel = 'email' and n.address is null)`
  if (!row || row.is_over || row.reach === null || !isTokenOf(secrets, token, message, row.reach)) return undefined
  const member = await memberOf(db, row.user_id, row.facility_id)
  if (member === undefined) return undefined
  const { bookingIds = [], entryId, referenceType, referenceId } = row.data
  const bookingId = row.data.bookingId ?? (referenceType === "booking" ? referenceId : undefined)
  return {
    member,
    language: row.language,
    timezone: row.reader_zone,
    facility: { name: row.name, timezone: row.timezone, currency: row.currency },
    bookingIds: bookingId === undefined ? bookingIds : [bookingId],
    entryId: row.type === "waitlist.offered" ? entryId : undefined,
    invoiceId: row.type === "invoice.issued" ? row.data.invoiceId : undefined,
    isPayer: row.type.startsWith("payment.") || row.type === "booking.payment_overdue",
    isCoach: row.is_coach,
  }
}

async function memberOf(db: Db, userId: string, facilityId: string): Promise<Member | undefined> {
  const caller = await callerOf(db, userId)
  if (caller?.kind !== "person") return undefined
  try {
    return requireMember(asPlayer(caller), facilityId)
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

const asPlayer = (caller: Caller): Caller => ({
  ...caller,
  grants: caller.grants
    .filter(({ scopeType }) => scopeType !== "platform")
    .map((grant) => ({ ...grant, role: "player" as const })),
})

interface Row {
  readonly facility_id: string
  readonly user_id: string
  readonly type: string
  /** The address or number of the person now; null: none, or another number than the text went to. */
  readonly reach: string | null
  readonly data: {
    readonly bookingId?: string
    readonly bookingIds?: readonly string[]
    readonly entryId?: string
    readonly invoiceId?: string
    /** Of a payment or refund: what it is for. */
    readonly referenceType?: string
    readonly referenceId?: string
  }
  readonly language: Language
  readonly reader_zone: string
  readonly name: string
  readonly timezone: string
  readonly currency: string
  readonly is_over: boolean
  readonly is_coach: boolean
}
