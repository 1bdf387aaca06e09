/** The caller and the booking of a request: every route under a booking's address starts with them. */
import { type Caller, requireMember } from "#access/caller.ts"
import { facilityIdOf, idOf } from "#http/path.ts"

/** A stranger learns nothing about a booking, not even whether the body is valid. Throws NotFound. */
export function addressed(who: Caller, params: { readonly facilityId: string; readonly bookingId: string }) {
  const member = requireMember(who, facilityIdOf(params.facilityId))
  return { member, bookingId: idOf(params.bookingId, "booking") }
}
