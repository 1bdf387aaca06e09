// Watchers of a club's day, as pages are. Each keeps the state that its live client gives it, and the order in which it
// was told. In the end the state must be the database's, and every event must have come exactly once.

import {
  connectLive,
  type LiveChanges,
  type LiveConnection,
  type LiveEvent,
  type LiveStanding,
  type LiveState,
} from "#web/live/client.ts"

export interface WatchedDay {
  readonly facilityId: string
  /** YYYY-MM-DD, local. */
  readonly date: string
}

export interface Watcher {
  readonly client: LiveConnection
  /** The slots of the day by resource, as JSON. */
  readonly slots: () => Readonly<Record<string, string>>
  /** The faults in what the watcher was told of the bookings; empty: every event once, in order. */
  readonly faults: (positions: readonly number[], upTo: number) => string[]
  readonly snapshots: () => number
  /** What the client said last about its connection. */
  readonly standing: () => LiveStanding
}

interface Told {
  /** From here on the watcher must be told everything, after a beginning or a resync. */
  readonly after: number
  readonly positions: number[]
}

export interface WatcherOptions {
  readonly url: string
  /** Undefined: a guest, who watches the day alone. */
  readonly token: string | undefined
  readonly transport: "websocket" | "sse"
  readonly day: WatchedDay
  /** The end of the log. */
  readonly endOfLog: () => Promise<number>
}

export function watch({ url, token, transport, day, endOfLog }: WatcherOptions): Watcher {
  let standing: LiveStanding = {}
  const onState = (_: LiveState, said: LiveStanding) => {
    standing = said
  }
  const client = connectLive({ url, transport, token: () => token, onState })
  const slots = new Map<string, string>()
  const told: Told[] = []
  let snapshots = 0
  const availability: LiveChanges = {
    onEvent: ({ payload }) => {
      if (payload.date === day.date) slots.set(String(payload.resourceId), JSON.stringify(payload.slots))
    },
    snapshot: async () => {
      snapshots++
      const { etag, slots: fresh } = await readDay(url, token, day)
      slots.clear()
      for (const [id, each] of Object.entries(fresh)) slots.set(id, each)
      return etag
    },
  }
  client.subscribe(`facility:${day.facilityId}:availability`, availability)
  if (token !== undefined)
    client.subscribe(`facility:${day.facilityId}:bookings`, {
      onEvent: ({ position }: LiveEvent) => told.at(-1)?.positions.push(Number(position)),
      snapshot: async () => {
        const after = await endOfLog()
        told.push({ after, positions: [] })
        return { position: String(after) }
      },
    })
  return {
    client,
    slots: () => Object.fromEntries([...slots].sort()),
    snapshots: () => snapshots,
    standing: () => standing,
    faults: (positions, upTo) =>
      told.flatMap(({ after, positions: heard }, nth) => {
        // Up to a resync, whatever came must be without a hole. Behind the last one, everything must have come.
        const end = nth === told.length - 1 ? upTo : (heard.at(-1) ?? after)
        const isOrdered = heard.every((each, n) => n === 0 || each > (heard[n - 1] ?? 0))
        const known = new Set(heard)
        const missed = positions.filter((each) => each > after && each <= end && !known.has(each))
        return [
          ...(isOrdered ? [] : [`out of order or repeated: ${heard.join(" ")}`]),
          ...(missed.length === 0 ? [] : [`missed after ${after}: ${missed.join(" ")}`]),
        ]
      }),
  }
}

/** The day as a fresh page loads it. */
export async function readDay(url: string, token: string | undefined, { facilityId, date }: WatchedDay) {
  const answer = await fetch(`${url}/v1/facilities/${facilityId}/availability?date=${date}`, {
    headers: { connection: "close", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(5_000),
  })
  if (answer.status !== 200) throw new Error(`availability answers ${answer.status}`)
  const body = (await answer.json()) as { resources: { resourceId: string; slots: object[] }[] }
  const slots = body.resources.map(({ resourceId, slots }) => [resourceId, JSON.stringify(slots)] as const)
  return { etag: answer.headers.get("etag") ?? "", slots: Object.fromEntries(slots.toSorted()) }
}
