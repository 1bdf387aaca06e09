/**
 * The actors' own connections to PostgreSQL, apart from those of the requests: neither waits for the other. They are
 * few: each keeps plans of its own, and more connections than PostgreSQL has cores are not faster. The life sign has
 * its own connection: a beat that waited behind the work would make a busy process count as expired.
 */
import { connect, type Db } from "#base/database/db.ts"

/** Statements wait for a connection in the order in which they came. */
const forWork = 8

export interface ActorConnections {
  readonly db: Db
  readonly forLifeSign: Db
  readonly end: () => Promise<void>
}

/** @param applicationName shown in `pg_stat_activity`. */
export function connectActors(
  url: string,
  applicationName: string,
  onSwap?: (reason: string) => void,
): ActorConnections {
  const options = { applicationName, ...(onSwap && { onSwap }) }
  const db = connect(url, { ...options, max: forWork })
  const forLifeSign = connect(url, { ...options, max: 1 })
  return {
    db,
    forLifeSign,
    end: async () => {
      await Promise.all([db.end(), forLifeSign.end()])
    },
  }
}
