/**
 * Follows the log in every server process and publishes its frames to the sockets of this process. It competes with nobody
 * and writes nothing: its place in the log is that of the process' `Live`, which outlives a restart of this actor.
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

/** Events of one batch: 500 are read in 20 ms. */
const batch = 500
/** How often it looks without a hint, milliseconds. */
const everyMs = 1_000

export function broadcaster(db: Db, live: Live): Actor {
  return {
    name: "broadcaster",
    description: "Publishes the frames of the log to the sockets of this process",
    wokenBy: ["log"],
    everyMs,
    cron: "* * * * *",
    deadlineMs: 30_000,
    pass: () => broadcast(db, live),
  }
}

/** Publishes the next batch of the log. The first pass only notes where the log stands. */
export async function broadcast(db: Db, live: Live): Promise<Pass> {
  if (live.position === undefined || live.isEmpty) {
    const last = await endOfLog(db)
    if (live.position === undefined || live.isEmpty) {
      live.advance([], last)
      return { more: false }
    }
    // Somebody came in the meantime, and counts on everything after the position that they were told.
  }
  const position = live.position
  const rows = await readLog(db, { after: position }, { limit: batch })
  // A pass that was given up as hanging may come back beside its successor: whoever finds the place moved stops.
  if (live.position !== position) return { more: true }
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined) return { more: false }
  if (first.position !== position + 1) {
    // Retention was quicker than this process.
    const head = await endOfLog(db)
    if (live.position === position) live.lost(head)
    return { more: true }
  }
  reached("log-read")
  // Slots must be read first: what follows from the events alone does not wait for them.
  const published = live.eventPosition ?? position
  live.advanceEvents(
    rows.filter((row) => row.position > published).flatMap(framesOf),
    Math.max(published, last.position),
  )
  reached("frames-published")
  const slots: Frame[] = []
  const told = new Set<LogRow>()
  for (let heard = heardOf(rows, live, told); heard.length > 0; heard = heardOf(rows, live, told)) {
    for (const row of heard) told.add(row)
    slots.push(...(await slotFramesOf(db, await slotChangesOf(db, heard))))
  }
  if (live.position !== position) return { more: true }
  // No await from the last look at who listens to here: who comes now is told by a replay.
  live.advance(inOrder(slots), last.position)
  return { more: rows.length === batch }
}

/** Rows whose slots somebody wants to see, and which have not been read. Slots that nobody sees are never computed. */
function heardOf(rows: readonly LogRow[], live: Live, told: ReadonlySet<LogRow>): LogRow[] {
  const hears = (row: LogRow, change: AvailabilityChange) =>
    concernsAll(change)
      ? !live.isEmpty
      : concernedOf(change, [])
          .flatMap((resourceId) => channelsOf({ facilityId: row.facility_id, resourceId }))
          .some((name) => live.hears(name))
  return rows.filter((row) => !told.has(row) && availabilityChangesOf(row).some((change) => hears(row, change)))
}

/** By position, so that a client may resume after any frame it has seen; the sort is stable. */
const inOrder = (frames: readonly Frame[]): Frame[] => [...frames].sort((a, b) => a.position - b.position)
