/**
 * The recipients of an event's messages. Their ids come from the event, if it has them, so that a late run notifies the
 * people concerned then.
 * - A child without an address is reached at its parent's.
 * - If the event does not list the participants of a booking, they come from the booking.
 * - The coach of a lesson comes from the lesson.
 * - The administrators of a facility or of the platform come from its roles.
 * Names and addresses are the present ones, unless a link says where it goes (link-recipients.ts).
 */

import type { Role } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { platformFacilityId } from "#base/ids.ts"
import type { Language } from "#base/languages.ts"
import { addressIn } from "#domain/people/address.ts"
import type { MessageChannel, NotificationConfig, RecipientType } from "./configs.ts"
import { type Addressed, holderOf, previousAddressOf } from "./link-recipients.ts"
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

/** All recipients that the configuration names, once per channel, in its order. */
export async function resolveRecipients(
  db: Queryable,
  event: Concerned,
  config: NotificationConfig,
): Promise<Recipient[]> {
  const found: Omit<Recipient, "firstName" | "lastName" | "email" | "language" | "timezone">[] = []
  const seen = new Set<string>()
  const peopleOf = new Map<RecipientType, readonly Addressed[]>()
  const usual = config.templateFor?.(event.data as never) ?? config.templateId
  for (const { type, channel, templateId = usual } of config.recipients) {
    const people = peopleOf.get(type) ?? (await addressedOf(db, event, type))
    peopleOf.set(type, people)
    for (const { userId, as = names[type], address, linkId } of people) {
      const key = `${userId} ${channel} ${templateId}`
      if (seen.has(key)) continue
      seen.add(key)
      found.push({ userId, channel, as, templateId, address, linkId })
    }
  }
  if (found.length === 0) return []
  const users = await db<UserRow[]>`
    select u.id, u.first_name, u.last_name, ${addressIn(db, db`${event.facility_id}::uuid`)} as email,
           coalesce(u.language, p.language) as language, coalesce(u.timezone, p.timezone) as timezone
    from slotbase.users u
    left join slotbase.users p on p.id = u.managed_by
    where u.id = any (${[...new Set(found.map((each) => each.userId))]}::uuid[])`
  const byId = new Map(users.map((user) => [user.id, user]))
  return found.map((each) => {
    const user = byId.get(each.userId)
    return {
      ...each,
      firstName: user?.first_name,
      lastName: user?.last_name,
      email: each.address ?? user?.email ?? undefined,
      language: user?.language ?? null,
      timezone: user?.timezone ?? null,
    }
  })
}

interface UserRow {
  readonly id: string
  readonly first_name: string
  readonly last_name: string
  readonly email: string | null
  readonly language: Language | null
  readonly timezone: string | null
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
} as const satisfies Record<RecipientType, Recipient["as"]>

/** The fields of the notified events that name the people concerned. */
interface About {
  readonly bookingId?: string
  /** Of a series: those that changed. All have the same participants. */
  readonly bookingIds?: readonly string[]
  readonly bookerId?: string
  /** The booker, in booking.no_show; the person, in the events of accounts. */
  readonly userId?: string
  readonly payerId?: string
  readonly coachId?: string
  readonly participants?: readonly { readonly userId: string }[]
  readonly parentIds?: readonly string[]
  readonly linkId?: string
}

async function addressedOf(db: Queryable, event: Concerned, type: RecipientType): Promise<readonly Addressed[]> {
  const { linkId } = event.data as About
  if (type === "link") return holderOf(db, linkId)
  if (type === "previous_address") return previousAddressOf(db, linkId)
  return (await usersOf(db, event, type)).map((userId) => ({ userId }))
}

function usersOf(
  db: Queryable,
  event: Concerned,
  type: Exclude<RecipientType, "link" | "previous_address">,
): Promise<readonly string[]> | readonly string[] {
  const about = event.data as About
  switch (type) {
    case "account":
      return about.userId === undefined ? [] : [about.userId]
    case "booker":
      return [about.bookerId ?? about.userId].filter((id) => id !== undefined)
    case "payer":
      return about.payerId === undefined ? [] : [about.payerId]
    case "coach":
      return about.coachId === undefined ? coachOf(db, event.facility_id, about.bookingId) : [about.coachId]
    case "parents":
      return about.parentIds ?? []
    case "participants":
      return (
        about.participants?.map((each) => each.userId) ??
        participantsOf(db, event.facility_id, about.bookingId ?? about.bookingIds?.[0])
      )
    case "facility_admins":
      return adminsOf(db, event.facility_id, ["facility_owner", "facility_admin"])
    case "platform_admins":
      return adminsOf(db, platformFacilityId, ["platform_admin"])
  }
}

/** The coach of a lesson; nobody for other bookings. */
async function coachOf(db: Queryable, facilityId: string, bookingId: string | undefined): Promise<string[]> {
  if (bookingId === undefined) return []
  const rows = await db<{ coach_id: string }[]>`
    select coach_id from slotbase.coach_sessions where booking_id = ${bookingId} and facility_id = ${facilityId}`
  return rows.map((row) => row.coach_id)
}

async function participantsOf(db: Queryable, facilityId: string, bookingId: string | undefined): Promise<string[]> {
  if (bookingId === undefined) return []
  const rows = await db<{ user_id: string }[]>`
    select user_id
    from slotbase.booking_participants
    where booking_id = ${bookingId} and facility_id = ${facilityId}
    order by user_id`
  return rows.map((row) => row.user_id)
}

// People only: an API key may have the role too, and reads no mail.
async function adminsOf(db: Queryable, scopeId: string, roles: readonly Role[]): Promise<string[]> {
  const rows = await db<{ user_id: string }[]>`
    select distinct g.user_id
    from slotbase.role_grants g
    join slotbase.users u on u.id = g.user_id and u.kind = 'person'
    where g.scope_id = ${scopeId} and g.role = any (${roles as string[]}::text[])
    order by g.user_id`
  return rows.map((row) => row.user_id)
}
