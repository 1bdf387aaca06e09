// A club with its HTTP API, for the full tests of bookings, and short functions for those tests. The club has people in
// every role, a priced court, a free court, and a parent with two children.

import { authenticate } from "#access/caller.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { aClub, aMember, atHour, type Club, type Person } from "./club.ts"
import { aResource } from "./factories.ts"

export type Body = Readonly<Record<string, unknown>>

export interface BookingClub extends Club {
  readonly api: TestApi
  /** Costs nothing. */
  readonly freeCourt: string
  readonly parent: Person
  /** The parent has every permission for this child. */
  readonly child: Person
  /** The parent may only see this child's feedback. */
  readonly watchedChild: Person
  readonly post: (by: Person | undefined, path: string, body?: Body) => Promise<Answer>
  readonly get: (by: Person | undefined, path: string) => Promise<Answer>
  /** Replaces the booking policy. */
  readonly policy: (body: Body) => Promise<Answer>
  /** Records cash at the desk for a booking. */
  readonly pay: (bookingId: string, amount: number) => Promise<Answer>
}

export async function aBookingClub(): Promise<BookingClub> {
  const api = await testApi()
  const { db } = api.database
  const club = await aClub(db)
  const parent = await aMember(db, "parent", club.id)
  const [child, watchedChild] = [await aMember(db, "player", club.id), await aMember(db, "player", club.id)]
  await link(api, parent, child, ["book", "pay", "view_feedback"])
  await link(api, parent, watchedChild, ["view_feedback"])
  const at = `/v1/facilities/${club.id}`
  const call = (method: string, path: string, by: Person | undefined, body?: Body) =>
    api.call(method, `${at}${path}`, { ...(by && { token: by.token }), ...(body && { body }) })
  return {
    ...club,
    api,
    freeCourt: (await aResource(db, club.id, { name: "Free court", hourlyPrice: 0 })).id,
    parent: { ...parent, caller: await authenticate(db, parent.token) },
    child,
    watchedChild,
    post: (by, path, body = {}) => call("POST", path, by, body),
    get: (by, path) => call("GET", path, by),
    policy: (body) => call("PUT", "/booking-policy", undefined, body),
    pay: (bookingId, amount) =>
      call("POST", "/offline-payments", undefined, { bookingId, amount, paymentMethod: "cash" }),
  }
}

const link = ({ database: { db } }: TestApi, parent: Person, child: Person, permissions: string[]) => db`
  insert into slotbase.child_links (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by, linked_at)
  values (${newId()}, ${parent.id}, ${child.id}, 'mother', true, ${permissions}, 'linked', ${rootUserId}, slotbase.now())`

/** A member's request for an hour. */
export const online = (club: BookingClub, hour: number, more: Body = {}): Body => ({
  resourceId: club.court,
  ...atHour(hour),
  paymentMethod: "online",
  ...more,
})

/** A booking of an hour by staff for the player. */
export const offline = (club: BookingClub, hour: number, more: Body = {}): Body =>
  online(club, hour, { bookerId: club.player.id, paymentMethod: "offline", ...more })

/** The types of a booking's events, in order, and the data of the last one. */
export async function storyOf({ api }: BookingClub, bookingId: string) {
  const rows = await api.database.db<{ type: string; data: Body }[]>`
    select type, data from slotbase.events where aggregate_id = ${bookingId} order by id`
  return { types: rows.map(({ type }) => type), last: rows.at(-1)?.data, all: rows.map(({ data }) => data) }
}

/** Status and code: the outcome of a request. */
export const outcome = ({ status, body }: Answer) => (status < 400 ? String(status) : `${status} ${body.code}`)

/** The number of times each outcome came. */
export const tally = (outcomes: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(outcomes)].sort().map((each) => [each, outcomes.filter((one) => one === each).length]))

/** The bookings that occupy a resource at an hour. */
export async function occupants({ api }: BookingClub, resourceId: string, hour: number): Promise<string[]> {
  const rows = await api.database.db<{ booking_id: string }[]>`
    select booking_id from slotbase.occupancies
    where resource_id = ${resourceId} and during && tstzrange(${atHour(hour).startAt}, ${atHour(hour).endAt})`
  return rows.map(({ booking_id }) => booking_id)
}
