/** The guard of every new booking, and the right that it gives: to book for one person, and one type of booking. */
import { type Member, mayActFor } from "#access/caller.ts"
import { InvalidInput, NotAllowed } from "#base/errors.ts"
import type { HoldInput } from "./input.ts"

/** The right to book depends on these two alone. */
export type BookedFor = Pick<HoldInput, "bookerId" | "bookingType">

/**
 * The right of a member to make bookings of one type for one booker. Only the functions below make one: this file
 * exports the class as a type alone, and no copy has its private fields.
 */
class MayBook {
  readonly #bookerId: string | undefined
  readonly #bookingType: string
  constructor(
    readonly member: Member,
    { bookerId, bookingType }: BookedFor,
    /** Only the facility's hours and closures bind it, as they bind staff. */
    readonly isUnlimited: boolean,
  ) {
    this.#bookerId = bookerId?.toLowerCase()
    this.#bookingType = typeOf(bookingType)
  }

  covers({ bookerId, bookingType }: BookedFor): boolean {
    return bookerId?.toLowerCase() === this.#bookerId && typeOf(bookingType) === this.#bookingType
  }
}

export type { MayBook }

/**
 * Staff and API keys book for members of the facility (`plan.ts` checks it). Members book for themselves, and for
 * children with the permission `book`.
 * @throws NotAllowed, InvalidInput when an API key names no booker
 */
export function requireMayBook(member: Member, wanted: BookedFor): MayBook {
  const { bookerId, bookingType } = wanted
  if (member.isStaff) {
    if (bookerId === undefined && member.caller.kind !== "person") {
      throw new InvalidInput([{ path: "body.bookerId", message: "Missing key: an API key books for a person" }])
    }
    return new MayBook(member, wanted, true)
  }
  if (bookerId !== undefined && !mayActFor(member, bookerId.toLowerCase(), "book")) {
    throw new NotAllowed(
      "Members book for themselves and for their children; only staff and API keys may name another bookerId.",
    )
  }
  if (staffTypes.has(typeOf(bookingType))) {
    throw new NotAllowed(`Bookings of the type ${bookingType} are made by staff.`)
  }
  return new MayBook(member, wanted, false)
}

/** The right that staff granted when they made a series for its booker. It lasts, whoever acts for it now. */
export const mayBookAsGranted = (member: Member, granted: BookedFor): MayBook => new MayBook(member, granted, true)

const typeOf = (bookingType: BookedFor["bookingType"]) => bookingType ?? "open_play"

/** These types block a resource; nobody plays. */
const staffTypes = new Set<string>(["coach_block", "maintenance"])
