// A club that is always open, with people in every role and their tokens. The real commands make its bookings.

import { authenticate, type Caller, type Role, requireMember } from "#access/caller.ts"
import { openSession } from "#access/sessions.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import type { Booking } from "#domain/booking/answer.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { type EventContext, type NewEvent, transact } from "#events/outbox.ts"
import { createBooking } from "./ask.ts"
import { aFacility, aPerson, aResource, aRole } from "./factories.ts"

export interface Person {
  readonly id: string
  readonly token: string
  readonly caller: Caller
}

export interface Club {
  readonly id: string
  readonly court: string
  readonly otherCourt: string
  readonly admin: Person
  readonly staff: Person
  readonly player: Person
  readonly friend: Person
  /** Staff books for the player. */
  readonly book: (court: string, hour: number, more?: { participants?: { userId: string }[] }) => Promise<Booking>
  readonly cancel: (bookingId: string) => Promise<Booking>
}

const day = { open: "00:00", close: "24:00" }
const week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
const openingHours = Object.fromEntries(week.map((name) => [name, [day]]))

export const testContext: EventContext = { environment: "development", correlationId: newId() }

export const run = async <T>(db: Db, command: (tx: Tx) => Promise<T>): Promise<T> =>
  (await transact(db, testContext, command)).result

export async function aMember(db: Db, role: Role, facilityId: string): Promise<Person> {
  const person = await aPerson(db)
  await aRole(db, person.id, role, facilityId)
  const { token } = await db.begin((tx) => openSession(tx, person))
  return { id: person.id, token, caller: await authenticate(db, token) }
}

export async function aClub(db: Db): Promise<Club> {
  const { id } = await aFacility(db, { timezone: "UTC" })
  await db`update slotbase.facilities set opening_hours = ${db.json(openingHours)} where id = ${id}`
  const [court, otherCourt] = [await aResource(db, id), await aResource(db, id, { name: "Court 2" })]
  const [admin, staff] = [await aMember(db, "facility_admin", id), await aMember(db, "staff", id)]
  const [player, friend] = [await aMember(db, "player", id), await aMember(db, "player", id)]
  return {
    id,
    court: court.id,
    otherCourt: otherCourt.id,
    admin,
    staff,
    player,
    friend,
    book: (resourceId, hour, more = {}) =>
      run(db, (tx) =>
        createBooking(tx, staff.caller, id, {
          resourceId,
          ...atHour(hour),
          bookerId: player.id,
          paymentMethod: "offline",
          ...more,
        }),
      ),
    cancel: (bookingId) =>
      run(db, (tx) => cancelBooking(tx, requireMember(staff.caller, id), bookingId, { cancellationReason: "rain" })),
  }
}

/** The n-th whole hour of tomorrow and the days after it, UTC. */
export function atHour(n: number): { startAt: string; endAt: string } {
  const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000
  const at = (hours: number) => new Date(midnight + hours * 3_600_000).toISOString()
  return { startAt: at(n), endAt: at(n + 1) }
}

/** The local day of an hour; the club is in UTC. */
export const dayOf = (n: number): string => atHour(n).startAt.slice(0, 10)

/** A check-in that exists only in the log. */
export const aCheckIn = ({ id, player }: Club): NewEvent<"booking.checked_in"> => ({
  type: "booking.checked_in",
  facilityId: id,
  data: {
    bookingId: newId(),
    facilityId: id,
    userId: player.id,
    checkedInAt: "2026-03-12T16:52:11.480Z",
    checkedInBy: "staff",
    method: "manual",
  },
})
