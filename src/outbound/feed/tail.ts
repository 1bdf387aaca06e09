/**
 * Follows the feed of events. One question about the end of the log serves all followers of a process: only those whose
 * facility has new events read them.
 */
import type { Db } from "#base/database/db.ts"
import { onHint } from "#base/hints.ts"
import { throttled } from "#base/throttle.ts"
import type { FeedPage, FeedQuery } from "./log.ts"
import { readFeed } from "./log.ts"

/** Events of a page. A slow reader holds one page. */
const pageLimit = 100
/** A hint may be lost. */
const pollMs = 1_000
/** Under load, so many milliseconds of events are read together. */
const apartMs = 25

interface Follower {
  readonly facilityId: string | undefined
  readonly wake: () => void
}

/** The followers of one process. */
export class FeedTail {
  readonly #db: Db
  readonly #followers = new Set<Follower>()
  #head: number | undefined
  #stop = () => {}

  constructor(db: Db) {
    this.#db = db
  }

  get followers(): number {
    return this.#followers.size
  }

  /** Calls `wake` whenever the facility, or any, may have new events. */
  follow(follower: Follower): () => void {
    if (this.#followers.size === 0) this.#begin()
    this.#followers.add(follower)
    return () => {
      if (this.#followers.delete(follower) && this.#followers.size === 0) this.#stop()
    }
  }

  #begin(): void {
    this.#head = undefined
    const look = throttled(() => void this.#look(), apartMs)
    const unhint = onHint("log", look)
    const timer = setInterval(look, pollMs)
    this.#stop = () => {
      unhint()
      clearInterval(timer)
    }
  }

  async #look(): Promise<void> {
    try {
      const rows = await this.#db<{ facility_id: string; last: number }[]>`
        select facility_id, max(position) as last from slotbase.event_positions
        where position > ${this.#head ?? 0} and position > (select max(position) from slotbase.event_positions) - ${mostLooked}
        group by facility_id`
      const concerned = new Set(rows.map(({ facility_id }) => facility_id))
      this.#head = Math.max(this.#head ?? 0, ...rows.map(({ last }) => last))
      for (const { facilityId, wake } of this.#followers)
        if (facilityId === undefined ? concerned.size > 0 : concerned.has(facilityId)) wake()
    } catch {
      // Without a database there is nothing to read. The next question comes with the timer.
    }
  }
}

/** A longer backlog wakes the followers of its newest positions; the others find theirs at their own interval. */
const mostLooked = 10_000

/**
 * The pages of the feed after a position, and then each new one, until the signal. A page without events says how far
 * the log was read.
 * @param quietMs after so long without events an empty page is given; the first page is given at once
 * @throws WrongState `resync`
 */
export async function* tailFeed(
  db: Db,
  tail: FeedTail,
  query: Omit<FeedQuery, "limit" | "whole">,
  { signal, quietMs }: { readonly signal: AbortSignal; readonly quietMs: number },
): AsyncGenerator<FeedPage> {
  let { after, epoch } = query
  let news = Promise.withResolvers<void>()
  const unfollow = tail.follow({ facilityId: query.facilityId, wake: () => news.resolve() })
  const onAbort = () => news.resolve()
  signal.addEventListener("abort", onAbort)
  try {
    let toldAt = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      news = Promise.withResolvers<void>()
      const page = await readFeed(db, { ...query, after, epoch, whole: true, limit: pageLimit })
      ;[after, epoch] = [Number(page.position), page.epoch]
      if (page.data.length > 0 || performance.now() - toldAt >= quietMs) {
        toldAt = performance.now()
        yield page
      }
      if (page.next !== null) continue
      const timer = setTimeout(news.resolve, quietMs)
      await news.promise
      clearTimeout(timer)
    }
  } finally {
    signal.removeEventListener("abort", onAbort)
    unfollow()
  }
}
