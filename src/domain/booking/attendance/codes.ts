/**
 * The codes with which a booking is checked in: the text of a QR code, and six digits. Both are derived from the
 * booking's id under the secret key, so the database keeps no code that could be read. A code works for one booking,
 * as long as that booking can be checked in. Six digits can be guessed, so few wrong tries are allowed.
 */
import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates } from "#base/limits/table.ts"
import { Id } from "#base/schema/fact-fields.ts"
import { type SecretBox, sameSecret } from "#base/secrets.ts"
import { findBooking } from "#domain/booking/find.ts"
import type { CheckInInput } from "#domain/booking/input.ts"
import { isTheirs, requireStatus } from "#domain/booking/lock-own.ts"

export const CheckInCode = Schema.Struct({
  bookingId: Id,
  qrPayload: Schema.String.annotate({ description: "the text to show as a QR code: send it as `code` with qr_code" }),
  accessCode: Schema.String.annotate({ description: "six digits to type in: send them as `code` with access_code" }),
}).annotate({ identifier: "CheckInCode" })
export type CheckInCode = typeof CheckInCode.Type

/**
 * The codes of a booking that can be checked in, for its booker, their parents and staff.
 * Throws NotFound, WrongState.
 */
export async function getCheckInCode(
  db: Queryable,
  secrets: SecretBox,
  member: Member,
  bookingId: string,
): Promise<CheckInCode> {
  const { facilityId } = member
  const booking = isId(bookingId) ? await findBooking(db, facilityId, bookingId) : undefined
  if (!booking || !isTheirs(member, booking)) throw new NotFound("booking", bookingId)
  requireStatus(booking, ["confirmed"], "booking_not_confirmed", "checked in")
  return { bookingId, ...codesOf(secrets, facilityId, bookingId) }
}

/** The codes of a booking in any state. */
function codesOf(
  secrets: SecretBox,
  facilityId: string,
  bookingId: string,
): Pick<CheckInCode, "qrPayload" | "accessCode"> {
  const about = `${facilityId}:${bookingId}`
  const mac = secrets.fingerprint(about, "check-in qr code").subarray(0, macBytes).toString("base64url")
  const number = secrets.fingerprint(about, "check-in access code").readUIntBE(0, 6) % 10 ** digits
  return { qrPayload: `slotbase:check-in:${about}:${mac}`, accessCode: String(number).padStart(digits, "0") }
}

/**
 * Checks the code that a method needs. Each caller has few wrong tries for a booking.
 * @throws RuleBroken wrong_check_in_code, TooMany
 */
export function requireCode(
  secrets: SecretBox,
  { caller, facilityId }: Member,
  bookingId: string,
  { method = "manual", code = "" }: typeof CheckInInput.Type,
): void {
  if (method === "manual") return
  const key = `${caller.userId} ${facilityId} ${bookingId}`
  tries.require(key, "Too many wrong codes; wait, then try again.")
  const { qrPayload, accessCode } = codesOf(secrets, facilityId, bookingId)
  if (sameSecret(code, method === "qr_code" ? qrPayload : accessCode)) {
    tries.forget(key)
    return
  }
  const fault = { path: "body.code", message: "is not the code of this booking" }
  throw new RuleBroken("wrong_check_in_code", "The code is not that of this booking.", [fault])
}

const digits = 6
/** 128 bits. */
const macBytes = 16
const tries = new RateLimiter(rates.checkInCode)
