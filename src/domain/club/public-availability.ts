/**
 * Whoever may see the slots of a facility: its members, and everybody where the facility says so. Slots name no person.
 */
import { type Caller, type Member, requireMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"

/** Somebody without a role, in a facility that shows its slots to everybody. Only the function below makes one. */
class Passer {
  protected readonly passedAsPasser = true
  constructor(readonly facilityId: string) {}
}

export type SlotViewer = Member | Passer

/**
 * @param caller answers who asks; is not called for a request without a token in a facility that is open
 * @throws NotAuthenticated, NotFound
 */
export async function requireSlotViewer(
  db: Queryable,
  facilityId: string,
  { hasToken, caller }: { readonly hasToken: boolean; readonly caller: () => Promise<Caller> },
): Promise<SlotViewer> {
  if (!hasToken) {
    if (await showsToEverybody(db, facilityId)) return new Passer(facilityId)
    // Without a token the answer is the same whether or not there is such a facility.
    return requireMember(await caller(), facilityId)
  }
  const who = await caller()
  try {
    return requireMember(who, facilityId)
  } catch (error) {
    if (error instanceof NotFound && (await showsToEverybody(db, facilityId))) return new Passer(facilityId)
    throw error
  }
}

async function showsToEverybody(db: Queryable, facilityId: string): Promise<boolean> {
  const rows = await db`select from slotbase.facilities where id = ${facilityId} and public_availability`
  return rows.length > 0
}
