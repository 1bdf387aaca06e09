/**
 * The right by which a standing order goes on later: a series, a wish on the waitlist. It runs by the rules for its
 * booker, whatever became of the person who asked for it. What an API key asked for ends with the key.
 */
import { type Caller, callerOf, type Member, requireMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import { NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import { type BookedFor, type MayBook, mayBookAsGranted, requireMayBook } from "./may-book.ts"

export interface StandingOrder extends BookedFor {
  readonly facilityId: string
  /** Who asked for it. */
  readonly authorId: string
  readonly bookerId: string
  /** Staff made it for the booker: of the facility's rules only opening hours and closures bind it. */
  readonly isGranted: boolean
}

/**
 * The present right of the author, or else the booker's own. Answers the refusal when there is neither.
 * @returns RuleBroken key_ended, booker_left, or NotAllowed
 */
export async function standingRight(db: Queryable, order: StandingOrder): Promise<MayBook | RuleBroken | NotAllowed> {
  const { authorId, bookerId, isGranted } = order
  const author = await callerOf(db, authorId)
  if (author?.kind === "api_key") return rightOf(author, order, false) ?? keyEnded
  const ofAuthor = author && rightOf(author, order, isGranted)
  if (ofAuthor && !(ofAuthor instanceof Error)) return ofAuthor
  const booker = bookerId === authorId ? undefined : await callerOf(db, bookerId)
  return (booker && rightOf(booker, order, isGranted)) ?? ofAuthor ?? bookerLeft
}

const keyEnded = new RuleBroken("key_ended", "The API key that asked for it has ended.")
const bookerLeft = new RuleBroken("booker_left", "The booker is no member of the facility any more.")

/** Undefined: the caller is no member of the facility. */
function rightOf(caller: Caller, order: StandingOrder, isGranted: boolean): MayBook | NotAllowed | undefined {
  const member = memberOf(caller, order.facilityId)
  if (member === undefined) return undefined
  try {
    return isGranted ? mayBookAsGranted(member, order) : requireMayBook(member, order)
  } catch (error) {
    if (error instanceof NotAllowed) return error
    throw error
  }
}

function memberOf(caller: Caller, facilityId: string): Member | undefined {
  try {
    return requireMember(caller, facilityId)
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}
