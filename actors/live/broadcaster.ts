/**
 * The broadcaster follows the log in every server process, and publishes its frames to the sockets of this process. It
 * writes nothing and competes with no other process. Its place in the log is kept by the process's `Live`, which
 * outlives a restart of this actor.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { accessChangeOf } from "#outbound/live/access-changes.ts"
import {
  type AvailabilityChange,
  availabilityChangesOf,
  type Frame,
  framesOf,
  type LogRow,
} from "#outbound/live/frames.ts"
import type { Live } from "#outbound/live/live.ts"
import { endOfLog, type LogPage, readLog } from "#outbound/live/log.ts"
import { channelsOf, concernedOf, concernsAll, slotChangesOf, slotFramesOf } from "#outbound/live/slots.ts"

/** Events per pass: 500 are read in 20 ms. The slots that they changed are read once for all of them. */
const batch = 500
/**
 * Events that are read, and published, together. Pages of 100 write to each socket more often. With them, 1,000
 * browsers got a burst at 0.65 of bare Bun's rate, in place of 0.81.
 */
const pageSize = 250

export const broadcaster = (db: Db, live: Live): Actor => ({
  name: "broadcaster",
  description: "Publishes the frames of the log to the sockets of this process",
  wokenBy: ["log"],
  pollEveryMs: 1_000,
  cron: "* * * * *",
  deadlineMs: 30_000,
  pass: () => broadcastOnce(db, live),
})

/** Publishes the next batch of the log. The first pass only notes the end of the log. */
export async function broadcastOnce(db: Db, live: Live): Promise<Pass> {
  if (live.position === undefined || live.isEmpty) {
    const { last, epoch } = await endOfLog(db)
    if (live.position === undefined || live.isEmpty) {
      live.begin(last, epoch)
      return { more: false }
    }
    // A client came in the meantime, and expects every frame after the position that it was told.
  }
  const position = live.position
  const rows: LogRow[] = []
  for (let asked = { page: readPage(db, position) }; ; ) {
    const page = await asked.page
    // A pass that was given up as hanging may come back beside its successor. It stops when it finds that the position
    // has moved.
    if (live.position !== position) return { more: true }
    // Another log has come in the place of this one: a restored backup, or a standby that took over. Or retention has
    // removed positions that this process has not read.
    const after = rows.at(-1)?.position ?? position
    const [first, last] = [page.rows[0], page.rows.at(-1)]
    if ((live.epoch !== undefined && live.epoch !== page.epoch) || (first && first.position !== after + 1))
      return startOver(db, live, position)
    if (last === undefined) break
    rows.push(...page.rows)
    const isMore = page.rows.length === pageSize && rows.length < batch
    // The database reads the next page while the frames of this one are published.
    if (isMore) asked = await begun(readPage(db, last.position))
    reached("log-read")
    // Slots must be read first. Frames that follow from the events alone do not wait for them.
    const published = live.eventPosition ?? position
    live.advanceEvents(
      page.rows.filter((row) => row.position > published).flatMap(framesOf),
      Math.max(published, last.position),
    )
    reached("frames-published")
    withdrawAccess(page.rows, live)
    if (!isMore) break
  }
  const last = rows.at(-1)
  if (last === undefined) return { more: false }
  const slots: Frame[] = []
  const read = new Set<LogRow>()
  for (let wanted = wantedOf(rows, live, read); wanted.length > 0; wanted = wantedOf(rows, live, read)) {
    for (const row of wanted) read.add(row)
    slots.push(...(await slotFramesOf(db, await slotChangesOf(db, wanted))))
  }
  if (live.position !== position) return { more: true }
  // No await since the last question for subscriptions: a client that comes now gets these frames by a replay.
  live.advance(inOrder(slots), last.position)
  return { more: rows.length === batch }
}

const readPage = (db: Db, after: number) => readLog(db, { after }, { limit: pageSize })

/**
 * The page, asked for: publishing takes the whole of the event loop, and the question must have left before. An answer
 * that nobody waits for any more may fail.
 */
async function begun(page: Promise<LogPage>): Promise<{ readonly page: Promise<LogPage> }> {
  page.catch(() => {})
  await new Promise((done) => setImmediate(done))
  return { page }
}

/**
 * The log does not go on where this process stands: every client refetches. What took rights away in between was not
 * read, so every socket is checked.
 */
async function startOver(db: Db, live: Live, position: number): Promise<Pass> {
  const { last, epoch } = await endOfLog(db)
  if (live.position === position) {
    live.resyncAll(last, epoch)
    void live.recheck({ all: true }).catch(() => {})
  }
  return { more: true }
}

/** Sockets of people with less access are checked now, and not only at the next interval. */
function withdrawAccess(rows: readonly LogRow[], live: Live): void {
  const change = accessChangeOf(rows)
  if (change !== undefined) live.accessChanged(change)
}

/** Rows whose slots are subscribed to and not read yet. Slots without a subscription are never computed. */
function wantedOf(rows: readonly LogRow[], live: Live, read: ReadonlySet<LogRow>): LogRow[] {
  const isWanted = (row: LogRow, change: AvailabilityChange) =>
    concernsAll(change)
      ? !live.isEmpty
      : concernedOf(change, [])
          .flatMap((resourceId) => channelsOf({ facilityId: row.facility_id, resourceId }))
          .some((name) => live.hasSubscribers(name))
  return rows.filter((row) => !read.has(row) && availabilityChangesOf(row).some((change) => isWanted(row, change)))
}

/** By position, so that a client may resume after any frame that it has seen. The sort is stable. */
const inOrder = (frames: readonly Frame[]): Frame[] => [...frames].sort((a, b) => a.position - b.position)
