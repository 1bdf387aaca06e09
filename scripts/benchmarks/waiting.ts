// Measures whether a million waiting deliveries of one webhook slow a claim. There are two databases on one PostgreSQL,
// and the million waits in one of them. Claims for another webhook in both databases, and claims of the million's own,
// take turns. So a machine that becomes slower slows all three. The pages that a claim touches do not depend on the
// machine.

import { claimDeliveries, type Want } from "#actors/deliveries/claim-rows.ts"
import { settleAttempts } from "#actors/deliveries/settle-rows.ts"
import { connect, type Db } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { median, percentile, round } from "#scripts/statistics.ts"
import { actorProcess, processRow } from "#test/harness/pipeline/pipeline.ts"
import { delivered } from "#test/harness/pipeline/webhooks.ts"
import { makeBacklog, makeFacility, makeWebhook, type Webhook } from "./isolation/club.ts"
import { startBench } from "./measure.ts"
import type { Part } from "./part.ts"

/** Deliveries per claim: the places of a webhook unless given. */
const claimSize = 10
/** Claims that only warm up. PostgreSQL plans a statement again the first five times. */
const warmUp = 10
const explained = 15
const filledAtOnce = 100_000

export const waiting: Part = {
  name: "waiting",
  description: `a claim of ${claimSize} deliveries, without and beside a million waiting ones of another webhook, and of the million's own`,
  run: async ({ short, progress }) => {
    const [size, turns] = short ? [100_000, 50] : [1_000_000, 300]
    const bench = await startBench()
    const ends: (() => Promise<unknown>)[] = [bench.stop]
    try {
      await bench.sql`create database beside`
      const beside = new URL(bench.url)
      beside.pathname = "/beside"
      const sides: Side[] = []
      for (const url of [bench.url, beside.href]) {
        const side = await openSide(url)
        ends.push(() => side.db.end())
        sides.push(side)
      }
      const [empty, full] = sides as [Side, Side]
      const events = (turns + warmUp + 1) * claimSize
      const own = await makeClaimer(full, events)
      await wait(full.db, own.webhook, size, progress)
      const all = [await makeClaimer(empty, events), await makeClaimer(full, events), own]
      for (let n = 0; n < turns + warmUp; n++)
        for (const each of all) {
          const tookMs = await claimOnce(each)
          if (n >= warmUp) each.tookMs.push(tookMs)
        }
      const million = short ? "100,000" : "a million"
      const names = [
        "another webhook, and nothing else waits",
        `another webhook, beside ${million}`,
        `the webhook of which ${million} wait`,
      ]
      const figures = []
      for (const [index, each] of all.entries()) {
        const sorted = each.tookMs.toSorted((a, b) => a - b)
        figures.push({
          name: names[index] ?? "",
          p50Ms: percentile(sorted, 0.5),
          p90Ms: percentile(sorted, 0.9),
          pages: median(await pagesOf(each)),
          waiting: await waitingIn(each.side.db),
          n: sorted.length,
        })
      }
      const [alone] = figures
      return figures.map((each) => ({ ...each, p50Ratio: round(each.p50Ms / (alone?.p50Ms ?? Number.NaN)) }))
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}

/** A database with one process that claims. One connection, so that each statement is planned once. */
interface Side {
  readonly db: Db
  readonly owner: number
}

async function openSide(url: string): Promise<Side> {
  await migrate(url)
  const db = connect(url, { max: 1, applicationName: "slotbase bench" })
  return { db, owner: await processRow(db, true) }
}

interface Claimer {
  readonly side: Side
  readonly webhook: Webhook
  readonly tookMs: number[]
  /** The position of the last delivery that was claimed: the next claim starts above it, as the deliverer's does. */
  after: number
}

/** A webhook of a club of its own, with so many deliveries of real events. */
async function makeClaimer(side: Side, events: number): Promise<Claimer> {
  const webhook = await makeWebhook(side.db, await makeFacility(side.db), "https://receiver.example/hook")
  await makeBacklog(side.db, webhook.facilityId, events)
  return { side, webhook, tookMs: [], after: 0 }
}

/** Lets deliveries wait behind the real ones: four fifths were never tried, the others wait for the job. */
async function wait(db: Db, { id, facilityId }: Webhook, size: number, progress: (line: string) => void) {
  const began = performance.now()
  for (let from = 1; from <= size; from += filledAtOnce) {
    const to = Math.min(size, from + filledAtOnce - 1)
    await db`
      insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence, attempts, failures,
        waits_for, ready_at, failing_since)
      select ${id}, 10000000 + n, ${facilityId}, gen_random_uuid(), gen_random_uuid(), n, t.tries, t.tries,
             case when t.tries > 0 then 'job' end, case when t.tries > 0 then slotbase.now() + interval '1 hour' end,
             case when t.tries > 0 then slotbase.now() end
      from generate_series(${from}::bigint, ${to}::bigint) n
      cross join lateral (select case when n % 5 = 0 then 4 else 0 end as tries) t`
  }
  await db`vacuum (analyze) slotbase.delivery_queue`
  await db`checkpoint`
  progress(`${size} deliveries wait, after ${Math.round((performance.now() - began) / 1000)} s`)
}

const wantOf = ({ webhook, after }: Claimer): Want => ({
  webhookId: webhook.id,
  after,
  busy: 0,
  ahead: 1,
  cap: claimSize,
})

/** Claims, and settles what was claimed; answers the milliseconds of the claim. */
async function claimOnce(each: Claimer): Promise<number> {
  const { db, owner } = each.side
  const process = actorProcess(owner)
  const began = performance.now()
  const claimed = await claimDeliveries(db, { process, wants: [wantOf(each)], total: claimSize })
  const tookMs = performance.now() - began
  if (claimed.length !== claimSize) throw new Error(`a claim got ${claimed.length} deliveries, not ${claimSize}`)
  each.after = claimed.at(-1)?.position ?? each.after
  await settleAttempts(db, claimed.map(delivered))
  return tookMs
}

interface Explained {
  readonly "QUERY PLAN": readonly {
    readonly Plan: Readonly<Record<"Shared Hit Blocks" | "Shared Read Blocks" | "Actual Rows", number>>
  }[]
}

class TakenBack extends Error {}

/** Pages that claims touch, in the buffer cache and outside of it. Each claim is taken back. */
async function pagesOf(each: Claimer): Promise<readonly number[]> {
  const { db, owner } = each.side
  const pages: number[] = []
  for (let n = 0; n < explained; n++)
    await db
      .begin(async (tx) => {
        const [row] = await tx<[Explained]>`
          explain (analyze, buffers, format json)
          select * from slotbase.claim_deliveries(${owner}, ${JSON.stringify([wantOf(each)])}::text::json, ${claimSize}, false, false)`
        const plan = row["QUERY PLAN"][0]?.Plan
        if (plan?.["Actual Rows"] !== claimSize) throw new Error("a claim that was explained got less")
        pages.push(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        throw new TakenBack()
      })
      .catch((error: unknown) => {
        if (!(error instanceof TakenBack)) throw error
      })
  return pages
}

const waitingIn = async (db: Db) =>
  (await db<[{ count: number }]>`select count(*) from slotbase.delivery_queue`)[0].count
