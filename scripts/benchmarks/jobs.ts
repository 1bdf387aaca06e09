// What the minute's jobs cost a large platform: 5,000 facilities in 38 zones with 1,000,000 bookings. The clock moves
// by a minute before each pass, so each finds what that minute brought. A pass is timed with its transactions; the
// pages are those that PostgreSQL read for it.

import { bookingReminderCheck } from "#actors/jobs/booking-reminder-check.ts"
import { deadlines } from "#actors/jobs/deadlines.ts"
import { holdExpiration } from "#actors/jobs/hold-expiration.ts"
import { noShowDetection } from "#actors/jobs/no-show-detection.ts"
import { paymentResolution } from "#actors/jobs/payment-resolution.ts"
import { platformHealth } from "#actors/jobs/platform-health.ts"
import { waitlistOffers } from "#actors/jobs/waitlist-offers.ts"
import { webhookHealth } from "#actors/jobs/webhook-health.ts"
import { webhookRetry } from "#actors/jobs/webhook-retry.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import { clock } from "#base/clock.ts"
import { connect, type Db } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { percentile, round } from "#scripts/statistics.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { fillPlatform, type PlatformSize } from "./jobs/platform.ts"
import { startBench } from "./measure.ts"
import type { Part } from "./part.ts"

const large: PlatformSize = { facilities: 5_000, bookings: 1_000_000 }
const small: PlatformSize = { facilities: 500, bookings: 100_000 }

export const jobs: Part = {
  name: "jobs",
  description: "each minute's jobs over 5,000 facilities in 38 zones with 1,000,000 bookings",
  run: async ({ short, progress }) => {
    const [size, minutes] = short ? [small, 5] : [large, 30]
    const bench = await startBench()
    const db = connect(bench.url, { max: 4, applicationName: "slotbase bench" })
    try {
      await migrate(bench.url)
      await db`update slotbase.clock set movable = true`
      await fillPlatform(db, size, progress)
      const tools = testApp(db)
      const all: readonly Actor[] = [
        bookingReminderCheck(tools),
        noShowDetection(tools),
        holdExpiration(tools),
        waitlistOffers(tools),
        webhookRetry(tools),
        paymentResolution(tools),
        webhookHealth(tools),
        platformHealth(tools),
        deadlines(tools),
      ]
      const passes = new Map(all.map(({ name }) => [name, { tookMs: [] as number[], did: 0, pages: 0 }]))
      for (const actor of all) await passOf(db, actor) // plans, and what was due before
      const rssBefore = process.memoryUsage.rss()
      for (let minute = 0; minute < minutes; minute++) {
        await db`select slotbase.move_clock('1 minute')`
        await clock.follow(db)
        for (const actor of all) {
          const { tookMs, did, pages } = await passOf(db, actor)
          const sum = passes.get(actor.name)
          if (sum === undefined) continue
          sum.tookMs.push(tookMs)
          sum.did += did
          sum.pages += pages
        }
        progress(`minute ${minute + 1} of ${minutes}`)
      }
      const grown = (process.memoryUsage.rss() - rssBefore) / 1024 ** 2
      return [...passes].map(([name, { tookMs, did, pages }]) => {
        const sorted = tookMs.toSorted((a, b) => a - b)
        return {
          name,
          p50Ms: percentile(sorted, 0.5),
          maxMs: round(sorted.at(-1) ?? Number.NaN),
          did,
          pagesPerPass: Math.round(pages / minutes),
          grownMiB: round(grown),
        }
      })
    } finally {
      await db.end()
      await bench.stop()
    }
  },
}

interface Passed {
  readonly tookMs: number
  readonly did: number
  readonly pages: number
}

/** Until nothing is left, as its tick does. */
async function passOf(db: Db, actor: Actor): Promise<Passed> {
  const { signal } = new AbortController()
  const before = await pagesRead(db)
  const began = performance.now()
  let did = 0
  for (;;) {
    const pass = await actor.pass(signal)
    did += Object.values(pass.did ?? {}).reduce((sum, count) => sum + count, 0)
    if (!pass.more) break
  }
  const tookMs = performance.now() - began
  return { tookMs, did, pages: (await pagesRead(db)) - before }
}

/** Pages of this database's tables and indexes that were asked for, with those in memory. */
async function pagesRead(db: Db): Promise<number> {
  await db`select pg_stat_force_next_flush()`
  const [row] = await db<[{ pages: number }]>`
    select (blks_read + blks_hit)::double precision as pages from pg_stat_database where datname = current_database()`
  return row.pages
}
