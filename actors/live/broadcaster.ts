/**
 * The broadcaster follows the log in every server process, and publishes its frames to the sockets of this process. It
 * writes nothing and competes with no other process. Its place in the log is kept by the process's `Live`, which
 * outlives a restart of this actor.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import {
  type AvailabilityChange,
  availabilityChangesOf,
  type Frame,
  framesOf,
  type LogRow,
} from "#outbound/live/frames.ts"
import type { Live } from "#outbound/live/live.ts"
import { endOfLog, readLog } from "#outbound/live/log.ts"
import { channelsOf, concernedOf, concernsAll, slotChangesOf, slotFramesOf } from "#outbound/live/slots.ts"

/** Events per pass: 500 are read in 20 ms. */
const batch = 500

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
    const last = await endOfLog(db)
    if (live.position === undefined || live.isEmpty) {
      live.advance([], last)
      return { more: false }
    }
    // A client came in the meantime, and expects every frame after the position that it was told.
  }
  const position = live.position
  const rows = await readLog(db, { after: position }, { limit: batch })
  // A pass that was given up as hanging may come back beside its successor. It stops when it finds that the position
  // has moved.
  if (live.position !== position) return { more: true }
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined) return { more: false }
  if (first.position !== position + 1) {
    // Retention has removed positions that this process has not read.
    const head = await endOfLog(db)
    if (live.position === position) live.resyncAll(head)
    return { more: true }
  }
  reached("log-read")
  // Slots must be read first. Frames that follow from the events alone do not wait for them.
  const published = live.eventPosition ?? position
  live.advanceEvents(
    rows.filter((row) => row.position > published).flatMap(framesOf),
    Math.max(published, last.position),
  )
  reached("frames-published")
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
