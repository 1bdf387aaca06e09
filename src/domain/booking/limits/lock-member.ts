/**
 * The lock of one person's bookings in a facility. Whoever counts what a person holds takes it first, so that
 * concurrent bookings of the person are counted one after the other. It is a statement of its own before the one that
 * counts, because a statement sees only what was committed when it began.
 * Order: the bookings that a command changes are locked first, then the person, then slots and the waitlist. A
 * transaction that has the waitlist, or several people, never waits for a person: it takes the lock if it is free.
 */
import type { Tx } from "#base/database/transaction.ts"
import { shareMeaning } from "#domain/club/meaning-of-settings.ts"

export const lockMember = (tx: Tx, facilityId: string, bookerId: string) =>
  tx<
    { locked?: boolean }[]
  >`select ${shareMeaning(tx, facilityId)}, pg_advisory_xact_lock(${keys(tx, facilityId, bookerId)})`.execute()

/** Answers `locked: false` when another transaction has the lock. */
export const tryToLockMember = (tx: Tx, facilityId: string, bookerId: string) =>
  tx<{ locked?: boolean }[]>`select pg_try_advisory_xact_lock(${keys(tx, facilityId, bookerId)}) as locked`.execute()

const keys = (tx: Tx, facilityId: string, bookerId: string) =>
  tx`hashtext('slotbase holds'), hashtext(${`${facilityId} ${bookerId.toLowerCase()}`})`
