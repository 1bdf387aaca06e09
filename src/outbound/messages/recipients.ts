/**
 * The recipients of an event's messages. Their ids come from the event, if it has them, so that a late run notifies the
 * people concerned then.
 * - A child without an address is reached at its parent's.
 * - If the event does not list the participants of a booking, they come from the booking.
 * - Who paid what is refunded comes from the payment.
 * - The coach of a lesson comes from the lesson, and that of feedback from the feedback.
 * - The administrators of a facility or of the platform come from its roles.
 * Names and addresses are the present ones, unless a link says where it goes (link-recipients.ts).
 */

import type { Role } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { platformFacilityId } from "#base/ids.ts"
import type { Language } from "#base/languages.ts"
import { addressIn } from "#domain/people/address.ts"
import { type Addressed, holderOf, previousAddressOf } from "./link-recipients.ts"
import type { MessageChannel, NotificationConfig, RecipientType } from "./notification-config.ts"
import type { TemplateId } from "./templates/catalogue.ts"

export interface Recipient {
  readonly userId: string
  readonly channel: MessageChannel
  /** The part in which a person is notified. A person with several parts is notified once, in the first. */
  readonly as:
    | "booker"
    | "participant"
    | "parent"
    | "facility_admin"
    | "platform_admin"
    | "payer"
    | "coach"
    | "account"
    | "link_holder"
    | "address_owner"
  readonly templateId: TemplateId
  /** Where the message goes. Undefined: to the present address. */
  readonly address: string | undefined
  /** The link that the message holds. */
  readonly linkId: string | undefined
  /** All fields are undefined when there is no such user. */
  readonly firstName: string | undefined
  readonly lastName: string | undefined
  /** The parent who reads it for a child without an address. Undefined: the person reads it. */
  readonly parentId: string | undefined
  readonly parentName: string | undefined
  readonly email: string | undefined
  /** Null: that of the facility. A child who chose none reads what the parent chose. */
  readonly language: Language | null
  readonly timezone: string | null
}

/** The part of an event that names its recipients. */
export interface Concerned {
  readonly facility_id: string
  readonly data: object
}

/** An event, and who is told of it. */
export interface ToldEvent {
  readonly event: Concerned
  readonly config: NotificationConfig
}

/**
 * All recipients that the configurations name, once per channel, in their order. The answer has those of each event, in
 * the order of the events. The questions are few, however many events there are.
 */
export async function resolveRecipients(
  db: Queryable,
  events: readonly ToldEvent[],
): Promise<readonly (readonly Recipient[])[]> {
  const people = await peopleOf(db, events)
  const found = events.map((told) => partsOf(told, people))
  const asked = new Map<string, { userId: string; facilityId: string }>()
  for (const [nth, { event }] of events.entries())
    for (const { userId } of found[nth] ?? [])
      asked.set(`${userId} ${event.facility_id}`, { userId, facilityId: event.facility_id })
  const users = await namesOf(db, [...asked.values()])
  return found.map((each, nth) =>
    each.map((part) => {
      const user = users.get(`${part.userId} ${events[nth]?.event.facility_id}`)
      return {
        ...part,
        firstName: user?.first_name,
        lastName: user?.last_name,
        parentId: user?.parent_id ?? undefined,
        parentName: user?.parent_name ?? undefined,
        email: part.address ?? user?.email ?? undefined,
        language: user?.language ?? null,
        timezone: user?.timezone ?? null,
      }
    }),
  )
}

type Part = Pick<Recipient, "userId" | "channel" | "as" | "templateId" | "address" | "linkId">

function partsOf({ event, config }: ToldEvent, people: People): readonly Part[] {
  const found: Part[] = []
  const seen = new Set<string>()
  const usual = config.templateFor?.(event.data as never) ?? config.templateId
  for (const { type, channel, templateId = usual } of config.recipients) {
    for (const { userId, as = names[type], address, linkId } of people(event, type)) {
      const key = `${userId} ${channel} ${templateId}`
      if (seen.has(key)) continue
      seen.add(key)
      found.push({ userId, channel, as, templateId, address, linkId })
    }
  }
  return found
}

interface Named {
  readonly first_name: string
  readonly last_name: string
  readonly parent_id: string | null
  readonly parent_name: string | null
  readonly email: string | null
  readonly language: Language | null
  readonly timezone: string | null
}

async function namesOf(
  db: Queryable,
  asked: readonly { readonly userId: string; readonly facilityId: string }[],
): Promise<ReadonlyMap<string, Named>> {
  if (asked.length === 0) return new Map()
  const rows = await db<(Named & { id: string; facility_id: string })[]>`
    select w.facility_id, u.id, u.first_name, u.last_name, ${addressIn(db, db`w.facility_id`)} as email,
           m.id as parent_id, m.first_name as parent_name,
           coalesce(u.language, p.language) as language, coalesce(u.timezone, p.timezone) as timezone
    from unnest(${asked.map((each) => each.userId)}::uuid[], ${asked.map((each) => each.facilityId)}::uuid[]) as w (user_id, facility_id)
    join slotbase.users u on u.id = w.user_id
    left join slotbase.users p on p.id = u.managed_by
    left join slotbase.users m on m.email = case
      when u.email is null and u.contact_email is null then slotbase.parents_email(u.id, w.facility_id) end`
  return new Map(rows.map((row) => [`${row.id} ${row.facility_id}`, row]))
}

const names = {
  booker: "booker",
  participants: "participant",
  parents: "parent",
  facility_admins: "facility_admin",
  platform_admins: "platform_admin",
  payer: "payer",
  coach: "coach",
  account: "account",
  link: "link_holder",
  previous_address: "account",
  phone: "account",
} as const satisfies Record<RecipientType, Recipient["as"]>

/** The fields of the notified events that name the people concerned. */
interface About {
  readonly bookingId?: string
  readonly bookingIds?: readonly string[]
  readonly bookerId?: string
  /** The booker, in booking.no_show; the person, in the events of accounts. */
  readonly userId?: string
  readonly payerId?: string
  /** Of payment.refunded, which names no payer. */
  readonly refundId?: string
  readonly coachId?: string
  readonly feedbackId?: string
  readonly bookingType?: string
  readonly participants?: readonly { readonly userId: string }[]
  readonly parentIds?: readonly string[]
  readonly linkId?: string
  /** A phone number, in E.164. */
  readonly number?: string
}

/** The people of an event by type, when all questions are answered. */
type People = (event: Concerned, type: RecipientType) => readonly Addressed[]

async function peopleOf(db: Queryable, events: readonly ToldEvent[]): Promise<People> {
  const asking = (type: RecipientType) =>
    events.filter(({ config }) => config.recipients.some((each) => each.type === type)).map(({ event }) => event)
  const about = (event: Concerned) => event.data as About
  const ofBooking = (event: Concerned) => bookingOf(event) !== undefined
  const [participants, coaches, writers, payers, admins, links] = await Promise.all([
    participantsOf(
      db,
      asking("participants").filter((event) => about(event).participants === undefined && ofBooking(event)),
    ),
    coachesOf(
      db,
      asking("coach").filter((event) => about(event).coachId === undefined && ofBooking(event) && mayBeLesson(event)),
    ),
    coachesOfFeedback(
      db,
      asking("coach").filter((event) => about(event).feedbackId !== undefined),
    ),
    payersOf(
      db,
      asking("payer").filter((event) => about(event).payerId === undefined && about(event).refundId !== undefined),
    ),
    adminsOf(db, [
      ...asking("facility_admins").map((event) => event.facility_id),
      ...(asking("platform_admins").length > 0 ? [platformFacilityId] : []),
    ]),
    linksOf(db, [...asking("link"), ...asking("previous_address")]),
  ])
  const plain = (ids: readonly (string | undefined)[] = []) =>
    ids.filter((id) => id !== undefined).map((userId) => ({ userId }))
  return (event, type) => {
    const {
      userId,
      bookerId,
      payerId,
      coachId,
      feedbackId,
      parentIds,
      linkId = "",
      refundId = "",
      participants: named,
      number,
    } = about(event)
    const key = bookingKey(event)
    switch (type) {
      case "link":
        return links.get(linkId)?.holder ?? []
      case "previous_address":
        return links.get(linkId)?.previous ?? []
      case "phone":
        return userId === undefined || number === undefined ? [] : [{ userId, address: number }]
      case "account":
        return plain([userId])
      case "booker":
        return plain([bookerId ?? userId])
      case "payer":
        return plain([payerId ?? payers.get(refundId)])
      case "coach":
        return plain(coachId === undefined ? (writers.get(feedbackId ?? "") ?? coaches.get(key)) : [coachId])
      case "parents":
        return plain(parentIds)
      case "participants":
        return plain(named?.map((each) => each.userId) ?? participants.get(key))
      case "facility_admins":
        return plain(admins.get(event.facility_id)?.facility)
      case "platform_admins":
        return plain(admins.get(platformFacilityId)?.platform)
    }
  }
}

/** The booking of an event; of a series one of those that changed, because all have the same people. */
function bookingOf({ data }: Concerned): string | undefined {
  const { bookingId, bookingIds } = data as About
  return bookingId ?? bookingIds?.[0]
}

/** Most events of bookings name the type, and are asked nothing. */
const mayBeLesson = ({ data }: Concerned) => ((data as About).bookingType ?? "lesson") === "lesson"

const bookingKey = (event: Concerned) => `${bookingOf(event)} ${event.facility_id}`

/** The coach of each lesson; nobody for other bookings. */
const coachesOf = (db: Queryable, events: readonly Concerned[]) =>
  peopleByBooking(
    events,
    (bookings, facilities) => db`
      select s.booking_id, s.facility_id, s.coach_id as user_id
      from unnest(${bookings}::uuid[], ${facilities}::uuid[]) as e (booking_id, facility_id)
      join slotbase.coach_sessions s on s.booking_id = e.booking_id and s.facility_id = e.facility_id`,
  )

/** Whose words feedback has, by its id. */
async function coachesOfFeedback(
  db: Queryable,
  events: readonly Concerned[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (events.length === 0) return new Map()
  const rows = await db<{ id: string; coach_id: string }[]>`
    select f.id, f.coach_id
    from unnest(${events.map(({ data }) => (data as About).feedbackId ?? "")}::uuid[],
                ${events.map((event) => event.facility_id)}::uuid[]) as e (feedback_id, facility_id)
    join slotbase.feedback f on f.id = e.feedback_id and f.facility_id = e.facility_id`
  return new Map(rows.map(({ id, coach_id }) => [id, [coach_id]]))
}

/** Who paid what is refunded, by the refund. A payment at the desk counts for the owner of its account. */
async function payersOf(db: Queryable, events: readonly Concerned[]): Promise<ReadonlyMap<string, string>> {
  if (events.length === 0) return new Map()
  const rows = await db<{ id: string; user_id: string }[]>`
    select r.id, coalesce(p.payer_id, a.owner_id) as user_id
    from unnest(${events.map(({ data }) => (data as About).refundId ?? "")}::uuid[],
                ${events.map((event) => event.facility_id)}::uuid[]) as e (refund_id, facility_id)
    join slotbase.refunds r on r.id = e.refund_id and r.facility_id = e.facility_id
    left join slotbase.payments p on p.id = r.payment_id and p.facility_id = r.facility_id
    left join slotbase.billing_accounts a on a.id = r.billing_account_id and a.facility_id = r.facility_id
    where coalesce(p.payer_id, a.owner_id) is not null`
  return new Map(rows.map((row) => [row.id, row.user_id]))
}

const participantsOf = (db: Queryable, events: readonly Concerned[]) =>
  peopleByBooking(
    events,
    (bookings, facilities) => db`
      select p.booking_id, p.facility_id, p.user_id
      from (select distinct * from unnest(${bookings}::uuid[], ${facilities}::uuid[]) as e (booking_id, facility_id)) e
      join slotbase.booking_participants p on p.booking_id = e.booking_id and p.facility_id = e.facility_id
      order by p.user_id`,
  )

async function peopleByBooking(
  events: readonly Concerned[],
  ask: (bookings: string[], facilities: string[]) => PromiseLike<readonly object[]>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (events.length === 0) return new Map()
  const rows = (await ask(
    events.map((event) => bookingOf(event) ?? ""),
    events.map((event) => event.facility_id),
  )) as readonly { booking_id: string; facility_id: string; user_id: string }[]
  const found = new Map<string, string[]>()
  for (const { booking_id, facility_id, user_id } of rows) {
    const key = `${booking_id} ${facility_id}`
    const people = found.get(key) ?? []
    found.set(key, people.includes(user_id) ? people : [...people, user_id])
  }
  return found
}

// People only: an API key may have the role too, and reads no mail.
async function adminsOf(
  db: Queryable,
  scopes: readonly string[],
): Promise<ReadonlyMap<string, { readonly facility: readonly string[]; readonly platform: readonly string[] }>> {
  if (scopes.length === 0) return new Map()
  const roles: readonly Role[] = ["facility_owner", "facility_admin", "platform_admin"]
  const rows = await db<{ scope_id: string; user_id: string; of_platform: boolean }[]>`
    select distinct g.scope_id, g.user_id, g.role = 'platform_admin' as of_platform
    from slotbase.role_grants g
    join slotbase.users u on u.id = g.user_id and u.kind = 'person'
    where g.scope_id = any (${[...new Set(scopes)]}::uuid[]) and g.role = any (${roles as string[]}::text[])
    order by g.user_id`
  return new Map(
    [...Map.groupBy(rows, (row) => row.scope_id)].map(([scope, of]) => {
      const people = (platform: boolean) =>
        of.filter(({ of_platform }) => of_platform === platform).map(({ user_id }) => user_id)
      return [scope, { facility: people(false), platform: people(true) }]
    }),
  )
}

/** Mails of accounts are few, and their links are asked for one by one. */
async function linksOf(
  db: Queryable,
  events: readonly Concerned[],
): Promise<ReadonlyMap<string, { readonly holder: readonly Addressed[]; readonly previous: readonly Addressed[] }>> {
  const ids = new Set(events.map(({ data }) => (data as About).linkId).filter((id) => id !== undefined))
  return new Map(
    await Promise.all(
      [...ids].map(async (id) => {
        const [holder, previous] = await Promise.all([holderOf(db, id), previousAddressOf(db, id)])
        return [id, { holder, previous }] as const
      }),
    ),
  )
}
