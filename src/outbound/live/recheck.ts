/**
 * Checks whether open sockets may still listen. A token of many sockets is read once, and so is the setting of a
 * facility that shows its availability to everybody.
 */
import { authenticate, type Caller } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import { NotAuthenticated } from "#base/errors.ts"
import { publicOf } from "./channels.ts"
import type { Connection } from "./connection.ts"

/** How many sockets were checked, and how many of them were closed. */
export interface Rechecked {
  readonly checked: number
  readonly closed: number
}

/** A socket whose check is under way is not due. One whose check fails, because the database is away, is due again. */
export async function recheckAll(db: Db, due: readonly Connection[]): Promise<Rechecked> {
  const known = due.filter((connection) => connection.token !== undefined || connection.isGuest)
  for (const connection of known) connection.recheckAt = underWay
  try {
    return { checked: due.length, closed: await check(db, known) }
  } catch (error) {
    for (const connection of known)
      if (connection.recheckAt === underWay) connection.recheckAt = performance.now() + againMs
    throw error
  }
}

const underWay = Number.POSITIVE_INFINITY
const againMs = 1_000

/** Answers how many were closed. */
async function check(db: Db, known: readonly Connection[]): Promise<number> {
  const open = await publicOf(db, [...new Set(known.flatMap((connection) => connection.publicFacilities))])
  const callers = new Map<string, Caller | undefined>()
  let closed = 0
  for (const connection of known) {
    const { token } = connection
    if (token !== undefined && !callers.has(token)) callers.set(token, await callerOfToken(db, token))
    if (!connection.recheck(token === undefined ? "guest" : callers.get(token), open)) closed++
  }
  return closed
}

async function callerOfToken(db: Db, token: string): Promise<Caller | undefined> {
  try {
    return await authenticate(db, token)
  } catch (error) {
    if (error instanceof NotAuthenticated) return undefined
    throw error
  }
}
