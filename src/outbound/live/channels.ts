/**
 * Channels: their names (the spec's WEBSOCKET_CHANNELS), and the right to listen to them.
 * The name of a channel is also the name of its Bun topic. A client may write its id in either case, as everywhere;
 * the topic, and every frame of the server, has it in lower case.
 */
import { bestRole, type Caller, isStaff, mayActEverywhereFor } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { isId } from "#base/ids.ts"
import { type ChannelPattern, channelPatterns } from "#events/definition.ts"

export interface LiveChannel {
  readonly name: string
  readonly pattern: ChannelPattern
  /** The user, facility or resource of the channel. */
  readonly id: string
}

/** A channel with its facility, which decides the right to listen; null for a user's own channels. */
export interface PlacedChannel extends LiveChannel {
  readonly facilityId: string | null
}

/** The channel of a name; undefined when the spec has no channel of that form. */
export function parseChannel(given: string): LiveChannel | undefined {
  const [scope = "", anyCase = "", subject = "", ...more] = given.split(":")
  const pattern = patterns.get(`${scope}:${subject}`)
  if (pattern === undefined || more.length > 0 || !isId(anyCase)) return undefined
  const id = anyCase.toLowerCase()
  return { name: channelName(pattern, id), pattern, id }
}

/** The name of a channel, such as `channelName("user:{userId}:bookings", id)`. */
export const channelName = (pattern: ChannelPattern, id: string): string => pattern.replace(/\{\w+\}/, id)

export const isAvailability = ({ pattern }: LiveChannel): boolean =>
  pattern === "facility:{facilityId}:availability" || pattern === "resource:{resourceId}:availability"

/**
 * Of some facilities, those that show their availability to everybody. Slots name no person, so the public form of a
 * frame is the same.
 */
export async function publicOf(db: Queryable, facilityIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (facilityIds.length === 0) return new Set()
  const rows = await db<{ id: string }[]>`
    select id from slotbase.facilities where id = any (${[...facilityIds]}::uuid[]) and public_availability`
  return new Set(rows.map(({ id }) => id))
}

/** Finds the facility of a channel; undefined when its resource does not exist. */
export async function place(db: Queryable, channel: LiveChannel): Promise<PlacedChannel | undefined> {
  if (channel.pattern.startsWith("user:")) return { ...channel, facilityId: null }
  if (channel.pattern.startsWith("facility:")) return { ...channel, facilityId: channel.id }
  const [row] = await db<{ facility_id: string }[]>`select facility_id from slotbase.resources where id = ${channel.id}`
  return row && { ...channel, facilityId: row.facility_id }
}

/**
 * Whether a caller may listen to a channel:
 * - A person listens to the person's own channels.
 * - A parent listens to those channels of a child for which the parent has the permission. They carry the events of
 *   all facilities, so only a link that counts everywhere opens them.
 * - Nobody else listens, not even the platform's administrator.
 */
export function mayListen(caller: Caller, channel: PlacedChannel): boolean {
  if (channel.facilityId === null) return mayListenTo(caller, channel)
  switch (channel.pattern) {
    case "facility:{facilityId}:bookings":
    case "facility:{facilityId}:check-ins":
      return isStaff(caller, channel.facilityId)
    default:
      return bestRole(caller, channel.facilityId) !== undefined
  }
}

function mayListenTo(caller: Caller, { pattern, id }: LiveChannel): boolean {
  switch (pattern) {
    case "user:{userId}:bookings":
      return mayActEverywhereFor(caller, id, "book")
    case "user:{userId}:feedback":
      return mayActEverywhereFor(caller, id, "view_feedback")
    default:
      return caller.userId === id
  }
}

const patterns = new Map(
  (Object.keys(channelPatterns) as ChannelPattern[]).map((pattern) => {
    const [scope, , subject] = pattern.split(":")
    return [`${scope}:${subject}`, pattern]
  }),
)
