// Bookings and holds asked for as the routes do, without hooks: the guard, the hook engine, then the command.

import { type Caller, requireMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Booking } from "#domain/booking/answer.ts"
import { createBooking as create } from "#domain/booking/book.ts"
import { createHold as hold } from "#domain/booking/holds.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import type { BookingInput, HoldInput } from "#domain/booking/input.ts"
import { requireMayBook } from "#domain/booking/may-book.ts"

export async function createBooking(tx: Tx, caller: Caller, facilityId: string, input: BookingInput): Promise<Booking> {
  const { mayBook, hooked } = await asked(caller, facilityId, input)
  return create(tx, mayBook, hooked)
}

export async function createHold(tx: Tx, caller: Caller, facilityId: string, input: HoldInput): Promise<Booking> {
  const { mayBook, hooked } = await asked(caller, facilityId, input)
  return hold(tx, mayBook, hooked)
}

async function asked<Input extends BookingInput | HoldInput>(caller: Caller, facilityId: string, input: Input) {
  const member = requireMember(caller, facilityId)
  const mayBook = requireMayBook(member, input)
  return { mayBook, hooked: await runBeforeHooks(undefined, member, input, () => input) }
}
