/**
 * What an address of a feed gives. The rights of the feed's owner decide anew at each reading. After the owner has left
 * the facility, or is no staff any more, the address opens nothing.
 */
import { callerOf, type Member, requireMember } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"
import { hashToken } from "#base/secrets.ts"
import { bookingsOfFeed, patternsOf } from "./bookings.ts"
import { feedOfAddress, type OpenedFeed } from "./rows.ts"
import { feedText } from "./write.ts"

/** The secret part of an address; undefined: it is none. */
export const tokenOfFile = (file: string): string | undefined => /^(sbc_[A-Za-z0-9_-]{43})\.ics$/.exec(file)?.[1]

export interface OpenFeed {
  readonly feed: OpenedFeed
  readonly member: Member
}

/** Throws NotFound, with the same words whatever is wrong with the address. */
export async function openFeed(db: Db, token: string | undefined): Promise<OpenFeed> {
  const feed = token === undefined ? undefined : await feedOfAddress(db, hashToken(token))
  const caller = feed && (await callerOf(db, feed.user_id))
  if (!feed || !caller) throw noSuchCalendar()
  try {
    const member = requireMember(caller, feed.facility_id)
    if (feed.resource_id === null || member.isStaff) return { feed, member }
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
  }
  throw noSuchCalendar()
}

/** The text of an open feed. */
export async function readIcsFeed(db: Db, { feed, member }: OpenFeed): Promise<string> {
  const bookings = await bookingsOfFeed(db, feed, member)
  const series = new Set(bookings.flatMap(({ recurring_booking_id }) => recurring_booking_id ?? []))
  return feedText({
    facilityName: feed.facility_name,
    timezone: feed.timezone,
    resourceName: feed.resource_name,
    showsNames: feed.shows_names,
    bookings,
    patterns: await patternsOf(db, feed.facility_id, [...series]),
  })
}

const noSuchCalendar = () => new NotFound("calendar", "of this address")
