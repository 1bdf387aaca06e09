/**
 * The waitlist: joining it, leaving it, and answering an offer. Offers are made where slots become free, see
 * `offers.ts`. Guarantees: an entry is made only for a slot that is taken at that moment, and an offer is answered
 * once.
 */
import * as Schema from "effect/Schema"
import { type Member, mayActFor } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { requireChargeable } from "#base/money.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { confirmBooking } from "#domain/booking/confirm.ts"
import { addDetails } from "#domain/booking/details.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import { familyOf, requireOpen } from "#domain/booking/lock-own.ts"
import type { MayBook } from "#domain/booking/may-book.ts"
import { planWithoutHooks } from "#domain/booking/plan.ts"
import { changeBooking } from "#domain/booking/rows.ts"
import { toEntry, type WaitlistEntry } from "./answer.ts"
import { isFree } from "./candidates.ts"
import { recordEntryEnded, recordJoined, recordLeft } from "./events.ts"
import { type AcceptInput, bookingOfEntry, type WaitlistInput, type WaitlistQuery } from "./input.ts"
import {
  countLive,
  type EntryRow,
  endEntry,
  findEntries,
  findEntry,
  insertEntry,
  lockEntry,
  lockWaitlist,
} from "./rows.ts"

/** Live wishes of one person in a facility. A person with more would take anything. */
export const maxLiveWishes = 20

/**
 * Joins the waitlist. The wish must be one that could be booked now if it were free. Records waitlist.joined.
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken (also resource_type_unknown, too_many_wishes)
 * @throws WrongState slot_is_free, already_waiting
 */
export async function joinWaitlist(tx: Tx, mayBook: MayBook, input: WaitlistInput): Promise<WaitlistEntry> {
  const { caller, facilityId } = mayBook.member
  const { resourceType } = input
  const resourceId = input.resourceId?.toLowerCase() ?? (await anyOfType(tx, facilityId, resourceType ?? ""))
  const plan = await planWithoutHooks(tx, mayBook, bookingOfEntry(input, resourceId), "wish")
  if (plan.needsApproval) {
    throw new RuleBroken(
      "approval_required",
      "Such a booking is approved by staff: ask them to put you on the waitlist.",
    )
  }
  if (!mayBook.member.isStaff) requireChargeable(plan.price, plan.currency, "body.endAt")
  const entry = {
    id: newId(),
    facility_id: facilityId,
    booker_id: plan.booker.id,
    resource_id: resourceType === undefined ? resourceId : null,
    resource_type: resourceType ?? null,
    start_at: new Date(plan.span.start),
    end_at: new Date(plan.span.end),
    booking_type: plan.bookingType,
    participants: plan.participants.map(({ userId, role }) => ({ userId, role })),
    joined_by: caller.userId,
  }
  const [, live, free] = await Promise.all([
    lockWaitlist(tx, facilityId).execute(),
    countLive(tx, facilityId, entry.booker_id),
    isFree(tx, entry),
  ])
  if (free) throw new WrongState("slot_is_free", "The slot is free: book it, there is nothing to wait for.")
  if (live >= maxLiveWishes) {
    throw new RuleBroken("too_many_wishes", `${live} wishes are waiting already; leave one first.`)
  }
  const joined = await insertEntry(tx, entry)
  if (!joined) {
    throw new WrongState("already_waiting", "This wish is on the waitlist already, or an offer of it has just run out.")
  }
  recordJoined(tx, joined)
  return toEntry(joined)
}

/** The caller's own entries and their children's, staff all; in the order of joining. Throws NotAllowed. */
export async function listWaitlist(db: Queryable, member: Member, query: WaitlistQuery): Promise<Page<WaitlistEntry>> {
  const { facilityId, isStaff: staff } = member
  const asked = query.bookerId?.toLowerCase()
  if (!staff && asked !== undefined && !familyOf(member).includes(asked)) {
    throw new NotAllowed("Members see their own wishes and their children's.")
  }
  const bookerIds = asked !== undefined ? [asked] : staff ? undefined : familyOf(member)
  const limit = pageLimitOf(query)
  const [after] = keyAfter(query, Schema.Tuple([Schema.Int])) ?? []
  const { bookerId: _, after: __, limit: ___, ...filter } = query
  const rows = await findEntries(db, facilityId, { ...filter, bookerIds, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.seq], toEntry)
}

/** Throws NotFound. */
export async function getEntry(db: Queryable, member: Member, entryId: string): Promise<WaitlistEntry> {
  return toEntry(await findOwn(db, member, entryId))
}

/**
 * Ends the entry. Leaving declines an offer that has been made. Records waitlist.left, or the events of `declineOffer`.
 * @throws NotFound, WrongState (waitlist_entry_ended)
 */
export async function leaveWaitlist(tx: Tx, member: Member, entryId: string): Promise<WaitlistEntry> {
  const found = await findToChange(tx, member, entryId)
  if (found.status === "offered") return declineOffer(tx, member, entryId)
  const entry = await lockEntry(tx, member.facilityId, entryId)
  // Offered between the read and the lock. The caller must ask again, because a booking's row is locked before an
  // entry's.
  if (entry?.status === "offered") {
    throw new WrongState("just_offered", "The slot has just been offered: accept or decline it.")
  }
  if (entry?.status !== "waiting") throw ended(entry ?? found)
  recordLeft(tx, entry, await endEntry(tx, entry, "left"))
  return getEntry(tx, member, entryId)
}

/**
 * Takes the offer. With `offline` or `waived`, or free of charge, it is a booking at once. With `online` it stays held
 * until it is paid, for as long again as a hold lasts.
 * Records waitlist.accepted, and booking.confirmed by the rules of `confirmBooking`.
 * @throws NotFound, NotAllowed, RuleBroken (also question_unanswered), WrongState (no_offer, offer_expired,
 * waitlist_entry_ended)
 */
export async function acceptOffer(
  tx: Tx,
  member: Member,
  entryId: string,
  accepted: Hooked<typeof AcceptInput.Type>,
): Promise<WaitlistEntry> {
  const { paymentMethod, ...details } = accepted.input
  const { entry, hold: offered } = await lockOffer(tx, member, entryId)
  requireOpen(offered)
  const hold = await addDetails(tx, member, offered, details)
  if (paymentMethod === "online" && hold.price_amount > 0) {
    await keepForPayment(tx, hold)
    recordEntryEnded(tx, {
      ...entry,
      status: "accepted",
      offer_resource_id: hold.resource_id,
      ended_at: await endEntry(tx, entry, "accepted"),
    })
  } else {
    await confirmBooking(tx, member, hold.id, { paymentMethod })
  }
  return getEntry(tx, member, entryId)
}

/**
 * Turns the offer down. The next person gets the slot in the same transaction. Records waitlist.declined and
 * booking.hold.released.
 * @throws NotFound, WrongState (no_offer, offer_expired, waitlist_entry_ended)
 */
export async function declineOffer(tx: Tx, member: Member, entryId: string): Promise<WaitlistEntry> {
  const { hold } = await lockOffer(tx, member, entryId)
  // The last step in there, `afterSlotsFreed`, finds that the hold has ended, and settles the offer.
  await releaseHold(tx, member, hold.id)
  return getEntry(tx, member, entryId)
}

async function findOwn(db: Queryable, member: Member, entryId: string): Promise<EntryRow> {
  const entry = await findEntry(db, member.facilityId, entryId)
  const theirs = entry && (member.isStaff || familyOf(member).includes(entry.booker_id))
  if (!theirs) throw new NotFound("waitlist entry", entryId)
  return entry
}

/** The same for a caller that wants to change the entry. */
async function findToChange(tx: Tx, member: Member, entryId: string): Promise<EntryRow> {
  const entry = await findOwn(tx, member, entryId)
  if (member.isStaff || mayActFor(member, entry.booker_id, "book")) return entry
  throw new NotAllowed("You see what this child waits for, and may not book for it.")
}

/** Locks a live offer: its hold, then its entry. */
async function lockOffer(tx: Tx, member: Member, entryId: string): Promise<{ entry: EntryRow; hold: LockedBooking }> {
  const found = await findToChange(tx, member, entryId)
  if (found.offer_booking_id === null) {
    if (found.status !== "waiting") throw ended(found)
    throw new WrongState("no_offer", "Nothing has been offered yet; the slot is still taken.")
  }
  const hold = await lockBooking(tx, member.facilityId, found.offer_booking_id)
  const entry = await lockEntry(tx, member.facilityId, entryId)
  if (entry?.status === "expired") {
    const at = hold.hold_expires_at?.toISOString()
    throw new WrongState("offer_expired", `The offer expired at ${at}; the slot goes to the next who waits for it.`)
  }
  if (entry?.status !== "offered") throw ended(entry ?? found)
  return { entry, hold }
}

/** Extends the hold to give time for the payment. */
async function keepForPayment(tx: Tx, hold: LockedBooking): Promise<void> {
  const [row] = await tx<{ hold_minutes: number }[]>`
    select hold_minutes from slotbase.facilities where id = ${hold.facility_id}`
  const hold_expires_at = new Date(hold.now.getTime() + (row?.hold_minutes ?? 0) * 60_000)
  await changeBooking(tx, hold, { status: "held", payment_method: "online", hold_expires_at })
}

async function anyOfType(tx: Tx, facilityId: string, resourceType: string): Promise<string> {
  const [row] = await tx<{ id: string }[]>`
    select id from slotbase.resources
    where facility_id = ${facilityId} and resource_type = ${resourceType} and is_active order by name, id limit 1`
  if (row) return row.id
  throw new RuleBroken("resource_type_unknown", "The facility has no active resource of this type.", [
    { path: "body.resourceType", message: "names no active resource" },
  ])
}

const ended = ({ status }: EntryRow) => new WrongState("waitlist_entry_ended", `The entry is over: it is ${status}.`)
