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
import { type Builder, buildClub } from "./build.ts"
import { aFacility, aPerson, aResource, aRole } from "./factories.ts"
import { atHour } from "./hours.ts"

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

export const testContext: EventContext = { environment: "development", correlationId: newId() }

export const run = async <T>(db: Db, command: (tx: Tx) => Promise<T>): Promise<T> =>
  (await transact(db, testContext, command)).result

export async function aMember(db: Db, role: Role, facilityId: string): Promise<Person> {
  const person = await aPerson(db)
  await aRole(db, person.id, role, facilityId)
  const { token } = await db.begin((tx) => openSession(tx, person))
  return { id: person.id, token, caller: await authenticate(db, token) }
}

/** Makes clubs by SQL, without the cost of passwords and without events. */
export const bySql = (db: Db): Builder<Person> => ({
  facility: async (given) => (await aFacility(db, given)).id,
  court: async (facilityId, name) => (await aResource(db, facilityId, { name })).id,
  person: (role, facilityId) => aMember(db, role, facilityId),
})

export async function aClub(db: Db): Promise<Club> {
  const club = await buildClub(bySql(db), {
    courts: ["court", "otherCourt"],
    people: { admin: "facility_admin", staff: "staff", player: "player", friend: "player" },
  })
  const { id, staff, player } = club
  return {
    ...club,
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
