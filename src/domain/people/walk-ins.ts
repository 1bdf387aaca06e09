/**
 * Walk-ins: guests without an account, whom staff book for. A walk-in is a person without sign-in who belongs to one
 * facility. So staff need not name the account of a stranger. Only `users.ts` writes.
 */
import * as Schema from "effect/Schema"
import type { Staff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { Instant } from "#base/schema/fact-fields.ts"
import { Email, Id, Name, normalEmail } from "#base/schema/request-fields.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import { facilityScope } from "#events/scope.ts"
import { registerWalkIns } from "./users.ts"

export const WalkInInput = Schema.Struct({
  firstName: Name,
  lastName: Name,
  email: Schema.optionalKey(Email).annotateKey({
    description: "where confirmations go; it is no address to sign in with, and may be in use elsewhere",
  }),
})

export const WalkIn = Schema.Struct({
  id: Id.annotate({ description: "a `bookerId`, a participant or a student in this facility" }),
  facilityId: Id,
  firstName: Schema.String,
  lastName: Schema.String,
  email: Schema.NullOr(Schema.String),
  createdAt: Instant,
})
export type WalkIn = typeof WalkIn.Type

/** Makes a walk-in, a player of the facility. Records `user.created`. Throws RuleBroken `limit_reached`. */
export async function createWalkIn(
  tx: Tx,
  { caller, facilityId }: Staff,
  { firstName, lastName, email }: typeof WalkInInput.Type,
): Promise<WalkIn> {
  const id = newId()
  const contactEmail = email === undefined ? null : normalEmail(email)
  const scope = await facilityScope(tx, facilityId)
  if (!scope) throw new NotFound("facility", facilityId)
  const [createdAt] = await registerWalkIns(tx, scope, [{ id, firstName, lastName, contactEmail }], caller.userId)
  await useEntitlement(tx, facilityId, "active_users")
  return {
    id,
    facilityId,
    firstName,
    lastName,
    email: contactEmail,
    createdAt: (createdAt ?? new Date()).toISOString(),
  }
}
