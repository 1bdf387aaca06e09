/**
 * What PostgreSQL gives to the pools of this process. A pool that is refused one more connection waits for its own. A
 * pool without any takes one from the pool that has most. While a pool has fewer than it asked for, the part
 * "database connections" says so; the process serves on.
 */
import { parts } from "#base/parts.ts"

export const connectionsPart = "database connections"

/** A pool, as its neighbours see it. */
export interface Sharer {
  /** As in `pg_stat_activity`. */
  readonly name: string
  readonly wants: number
  /** Connections that are made and not closed. */
  readonly alive: () => number
  /** Closes one connection as soon as its work is done. */
  readonly shed: () => void
}

const sharers = new Set<Sharer>()
/** Pools that were refused a connection: how many they have, and how many they may have had or been making then. */
const short = new Map<Sharer, { readonly has: number; readonly most: number }>()

export const givenConnections = {
  join(sharer: Sharer): void {
    sharers.add(sharer)
  },
  leave(sharer: Sharer): void {
    sharers.delete(sharer)
    if (short.delete(sharer)) report()
  },
  /** @param underWay other connections that the pool was making at the same time: some may be given */
  refused(sharer: Sharer, alive: number, underWay: number): void {
    if (!sharers.has(sharer)) return
    short.set(sharer, { has: alive, most: alive + underWay })
    if (alive === 0) richestBut(sharer)?.shed()
    report()
  },
  /** The pool has a new connection. It is well when it has more than at its refusal. */
  given(sharer: Sharer, alive: number): void {
    const refused = short.get(sharer)
    if (refused === undefined) return
    if (alive > refused.most || alive >= sharer.wants) short.delete(sharer)
    else short.set(sharer, { ...refused, has: alive })
    report()
  },
  isShort: (sharer: Sharer): boolean => short.has(sharer),
  /** Connections of all pools of this process. */
  alive: (): number => [...sharers].reduce((sum, { alive }) => sum + alive(), 0),
}

/** The last connection of a pool is never taken: its work would stand still. */
function richestBut(poor: Sharer): Sharer | undefined {
  const rich = [...sharers].filter((each) => each !== poor && each.alive() > 1)
  return rich.sort((one, other) => other.alive() - one.alive())[0]
}

function report(): void {
  if (short.size === 0) {
    if (parts.get(connectionsPart) !== undefined) parts.well(connectionsPart)
    return
  }
  const named = [...short].map(([{ name, wants }, { has }]) => `${name} ${has} of ${wants}`)
  parts.restarting(
    connectionsPart,
    `PostgreSQL gives fewer connections than were asked for, so work waits for its turn: ${named.join(", ")}. Raise the limit of the role, the database or the server, or set SLOTBASE_DB_POOL.`,
    "connections_refused",
  )
}
