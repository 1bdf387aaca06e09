/**
 * The finder finds webhooks with something to send. It reads the log from where the last pass ended. Every two seconds
 * it scans the whole queue, for retries, for returned deliveries and for missed hints (find-work.ts has the
 * statements).
 */

import { clock } from "#base/clock.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { abandonDeliveries } from "#outbound/webhooks/deliveries/abandon.ts"
import type { BreakerRows } from "./breaker-rows.ts"
import type { Endpoints } from "./endpoints.ts"
import { queuedWork, workSince } from "./find-work.ts"

export interface FinderTools {
  readonly db: Db
  readonly endpoints: Endpoints
  readonly breakers: BreakerRows
  readonly isDraining: () => boolean
  /** Webhooks per step of a scan; for tests. */
  readonly step?: number
}

/** How often the whole queue is scanned, and how often claims start from its front again, milliseconds. */
const scanEveryMs = 2_000
const restartClaimsEveryMs = 30_000

export class Finder {
  readonly #tools: FinderTools
  /** The log has been read up to here. */
  #seen = 0
  #isScanRequested = true
  #scannedAt = Number.NEGATIVE_INFINITY
  #restartedAt = performance.now()
  /** A scan that is not at its end: it finds everything that was dispatched up to `head`. */
  #scan: { readonly head: number; readonly after: string } | undefined

  constructor(tools: FinderTools) {
    this.#tools = tools
  }

  /** Marks the endpoints that have something to send; true when there is more to find. */
  async find(): Promise<boolean> {
    const { db, endpoints } = this.#tools
    endpoints.markDue(clock.now())
    if (this.#scan || this.#isScanRequested || performance.now() - this.#scannedAt >= scanEveryMs) {
      await this.#scanOn()
      if (!this.#scan) return this.#isScanRequested
      // Before the first scan has ended, the log would be read from its beginning.
      if (this.#seen === 0) return true
    }
    const found = await workSince(db, this.#seen)
    // During a scan, the webhook may have more in the queue than the log says.
    for (const webhook of found.webhooks) endpoints.markReady(webhook, this.#scan ? 0 : this.#seen)
    // A turn may have moved it up meanwhile.
    this.#seen = Math.max(this.#seen, found.seen)
    return found.more || this.#scan !== undefined
  }

  /** The log has been read up to here. */
  get seen(): number {
    return this.#seen
  }

  /**
   * Everything between these positions is known without a look at the log: a turn has dispatched and claimed it.
   * Something before them that this process has not read keeps its look.
   */
  skip(from: number, to: number): void {
    if (this.#seen === from) this.#seen = to
  }

  /** The next call of `find` scans the whole queue, not only the log. */
  requestScan(): void {
    this.#isScanRequested = true
  }

  /** One step. One step is the whole scan, unless thousands of webhooks have something queued. */
  async #scanOn(): Promise<void> {
    const { db, endpoints, breakers, step } = this.#tools
    const begins = this.#scan === undefined
    if (begins) this.#beginScan()
    const found = await queuedWork(db, this.#scan?.after, step).catch((error: unknown) => {
      if (begins) this.#isScanRequested = true
      throw error
    })
    for (const { webhook_id, facility_id, deleted, due } of found.webhooks) {
      if (deleted) {
        await this.#abandonAll(webhook_id)
        if (endpoints.get(webhook_id)?.breaker.openMs) breakers.closed(webhook_id)
      } else endpoints.markReady({ id: webhook_id, facilityId: facility_id }, 0)
      if (due) endpoints.noteDue(webhook_id, due.getTime())
    }
    const head = this.#scan?.head ?? found.head
    this.#scan = found.after === undefined ? undefined : { head, after: found.after }
    if (this.#scan) return
    this.#scannedAt = performance.now()
    this.#seen = Math.max(this.#seen, head)
  }

  #beginScan(): void {
    this.#scannedAt = performance.now()
    // A webhook may have come back with deliveries below the position up to which this process has claimed.
    if (this.#isScanRequested || this.#scannedAt - this.#restartedAt >= restartClaimsEveryMs) {
      this.#restartedAt = this.#scannedAt
      this.#tools.endpoints.restartClaims()
    }
    this.#isScanRequested = false
  }

  async #abandonAll(webhookId: string): Promise<void> {
    const { db, isDraining } = this.#tools
    while (!isDraining() && (await db.begin((tx) => abandonDeliveries(tx, webhookId))) > 0) reached("discarded-in-part")
  }
}
