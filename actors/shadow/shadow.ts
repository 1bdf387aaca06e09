/**
 * Shadow replay: two versions of a transactional handler over past events, against the same data of today. Each event
 * has a transaction of its own, which is rolled back. It is bounded, and ends after the present event when told to.
 */

import type { HandledEvent, Handler, TransactionalHandler } from "#actors/handlers/handler.ts"
import type { Db } from "#base/database/db.ts"
import type { EventContext } from "#events/outbox.ts"
import { beginShadow, type Captured, captureRun } from "./capture.ts"
import { type Begun, type Compared, compareRuns, type ShadowVerdict, verdicts } from "./compare.ts"

export interface ShadowOptions {
  readonly old: Handler
  readonly fresh: Handler
  /** Instants of recording: from included, until excluded. */
  readonly from: Date
  readonly until: Date
  readonly facilityId?: string | undefined
  readonly limit: number
  readonly environment: EventContext["environment"]
  readonly stopping: AbortSignal
  readonly onProgress?: (events: number) => void
}

export interface ShadowReport {
  readonly events: number
  readonly counts: Readonly<Record<ShadowVerdict, number>>
  /** Of the same: neither version did anything. */
  readonly nothing: number
  readonly examples: readonly (Compared & { readonly eventId: string; readonly type: string })[]
  /** Events with rows in a large table that were not all found. */
  readonly incomplete: number
  /** More events wait behind the limit, or it was stopped. */
  readonly more: boolean
}

export class ShadowRefused extends Error {
  readonly _tag = "ShadowRefused"
}

const pageSize = 100
const examplesOfEach = 3

export async function shadowReplay(db: Db, options: ShadowOptions): Promise<ShadowReport> {
  const { limit, stopping, onProgress = () => {} } = options
  const [old, fresh] = [transactional(options.old), transactional(options.fresh)]
  const [tracking] = await db<[{ on: boolean }]>`select current_setting('track_counts')::boolean as on`
  if (!tracking.on) throw new ShadowRefused("PostgreSQL does not count rows: set track_counts to on.")
  const types = [...new Set([...old.events, ...fresh.events])]
  const counts = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<ShadowVerdict, number>
  const examples: (Compared & { eventId: string; type: string })[] = []
  let [events, nothing, incomplete, after] = [0, 0, 0, 0]
  for (;;) {
    const page = await pageOf(db, options, types, after, Math.min(pageSize, limit - events + 1))
    for (const event of page) {
      if (stopping.aborted || events === limit) return { events, counts, nothing, examples, incomplete, more: true }
      const result = await compareOne(db, old, fresh, event, options.environment)
      counts[result.verdict]++
      if (result.verdict === "same" && result.nothing) nothing++
      if (result.incomplete) incomplete++
      const alike = examples.filter((each) => each.verdict === result.verdict).length
      if (result.verdict !== "same" && alike < examplesOfEach)
        examples.push({ ...result, eventId: event.id, type: event.type })
      after = event.position
      onProgress(++events)
    }
    if (page.length === 0) return { events, counts, nothing, examples, incomplete, more: false }
  }
}

function transactional(handler: Handler): TransactionalHandler {
  if (handler.kind === "transactional") return handler
  throw new ShadowRefused(
    `${handler.name} is external: what it does outside cannot be taken back. Only transactional handlers have a shadow.`,
  )
}

const pageOf = (
  db: Db,
  { from, until, facilityId }: ShadowOptions,
  types: readonly string[],
  after: number,
  limit: number,
) => db<HandledEvent[]>`
  select p.position, e.* from slotbase.event_positions p
  join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
  where p.position > ${after} and p.type = any (${types as string[]})
    and p.event_id >= slotbase.id_at(${from.toISOString()}) and p.event_id < slotbase.id_at(${until.toISOString()})
    ${facilityId === undefined ? db`` : db`and p.facility_id = ${facilityId}`}
  order by p.position limit ${limit}`

async function compareOne(
  db: Db,
  old: TransactionalHandler,
  fresh: TransactionalHandler,
  event: HandledEvent,
  environment: EventContext["environment"],
) {
  let result: (Compared & { incomplete: boolean }) | undefined
  const never = db.begin(async (tx) => {
    const xmax = await beginShadow(tx)
    const run = async (handler: TransactionalHandler) => {
      const [clock] = await tx<[{ now: Date }]>`select slotbase.now() as now`
      const begun: Begun = { atMs: Date.now(), nowMs: clock.now.getTime() }
      const subscribed = handler.events.some((type) => type === event.type)
      const captured = subscribed ? await captureRun(tx, handler, event, { xmax, environment }) : notSubscribed
      return { captured, begun }
    }
    const [one, other] = [await run(old), await run(fresh)]
    const incomplete = one.captured.incomplete || other.captured.incomplete
    result = { ...compareRuns(one.captured, one.begun, other.captured, other.begun), incomplete }
    throw new NeverCommitted()
  })
  await never.catch((error: unknown) => {
    if (!(error instanceof NeverCommitted)) throw error
  })
  if (result === undefined) throw new Error("compareOne: the transaction ended without a result")
  return result
}

class NeverCommitted extends Error {}

const notSubscribed: Captured = {
  outcome: "skipped",
  reason: "not subscribed",
  rows: [],
  deleted: {},
  events: [],
  incomplete: false,
}
