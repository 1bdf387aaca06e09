/**
 * Keeps calendars outside in step. It claims those that are due, in turn over their servers, and works at several side
 * by side. A server that hangs has its share of the places and delays no other. A claim of a process that has ended is
 * free for the next pass.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { sendHint } from "#base/hints.ts"
import { claimChannelsToStop } from "#outbound/calendars/channels/channels.ts"
import { type CalendarSyncRow, claimSyncs, nextSyncAt, settleLater } from "#outbound/calendars/rows.ts"
import { endChannel, type SyncTools, syncCalendar, tellThrottled } from "./sync-one.ts"

/** Calendars that one process works at. Each keeps a connection and some events in memory. */
const places = 8
/** Of all processes together, at one server. Providers limit what one program asks at once. */
const perHost = 4
/** A calendar whose work ended in a defect is tried again after this time, milliseconds. */
const afterDefectMs = 10_000
/** How long the work under way may go on when the process stops, milliseconds. */
const graceMs = 5_000

export interface CalendarActor extends Actor {
  /** Resolves when nothing is under way in this process. */
  readonly idle: () => Promise<void>
}

export function syncCalendars(tools: SyncTools, process: Pick<ActorProcess, "owner">): CalendarActor {
  const underWay = new Set<Promise<void>>()
  const stopped = new AbortController()
  /** Claims whose work ended in a defect, or without the database. This process lives, so nobody else takes them. */
  const orphans = new Set<CalendarSyncRow>()
  let failure: { readonly error: unknown } | undefined

  async function releaseOrphans(): Promise<void> {
    for (const sync of orphans) {
      await settleLater(tools.db, sync, afterDefectMs)
      orphans.delete(sync)
    }
  }

  async function pass(): Promise<Pass> {
    await releaseOrphans()
    if (failure !== undefined) {
      const { error } = failure
      failure = undefined
      throw error
    }
    const free = places - underWay.size
    const claimed =
      free > 0 && !stopped.signal.aborted
        ? await claimSyncs(tools.db, { owner: process.owner(), places: free, perHost })
        : []
    const left = free - claimed.length
    const ended = left > 0 && !stopped.signal.aborted ? await claimChannelsToStop(tools.db, left) : []
    const tasks = [
      ...claimed.map((sync) => async () => {
        await syncCalendar(tools, sync, stopped.signal).catch((error: unknown) => {
          orphans.add(sync)
          throw error
        })
      }),
      ...ended.map((channel) => () => endChannel(tools, channel, stopped.signal)),
    ]
    for (const task of tasks) {
      const work = task()
        .catch((error: unknown) => {
          failure = { error }
        })
        .finally(() => {
          underWay.delete(work)
          sendHint("calendars")
        })
      underWay.add(work)
    }
    if (!stopped.signal.aborted) await tellThrottled(tools)
    const dueAt = await nextSyncAt(tools.db)
    return { more: false, ...(dueAt !== undefined && underWay.size < places && { dueAt }) }
  }

  return {
    name: "sync-calendars",
    description: "Keeps calendars outside in step with bookings",
    wokenBy: ["calendars"],
    pollEveryMs: 2_000,
    cron: "* * * * *",
    deadlineMs: 30_000,
    pass,
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay)
    },
    drain: async () => {
      stopped.abort()
      await Promise.race([Promise.all(underWay), Bun.sleep(graceMs)])
    },
  }
}
