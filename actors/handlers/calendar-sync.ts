/**
 * CalendarSyncHandler asks the calendars of a booking's people and of its resource to look at the booking. It asks no
 * server: the actor sync-calendars does. A row says only which booking to look at, so repetition and order change
 * nothing. Set-based: a batch is one small look-up where no calendar wants its events, and two statements more where
 * one does.
 */
import type { Tx } from "#base/database/transaction.ts"
import { sendHint } from "#base/hints.ts"
import { bookingsOfBlocks } from "#domain/booking/block-of.ts"
import { type CalendarEventType, calendarEvents } from "#outbound/calendars/input.ts"
import { pushingFacilities, wakeSyncs } from "#outbound/calendars/rows.ts"
import { askForEntries } from "#outbound/calendars/work.ts"
import type { HandledEvent, SetBasedHandler } from "./handler.ts"

export const calendarSyncHandler = (): SetBasedHandler => ({
  kind: "transactional",
  name: "CalendarSyncHandler",
  events: calendarEvents satisfies readonly CalendarEventType[],
  handleAll: ask,
})

async function ask(tx: Tx, all: readonly HandledEvent[]): Promise<undefined> {
  const pushing = await pushingFacilities(tx, [...new Set(all.map(({ facility_id }) => facility_id))])
  const events = all.filter(({ facility_id }) => pushing.has(facility_id))
  if (events.length === 0) return
  const blocks = events.flatMap(({ facility_id: facilityId, data }) => {
    const { blockId } = data as Named
    return blockId === undefined ? [] : [{ facilityId, blockId }]
  })
  const ofBlocks = await bookingsOfBlocks(tx, blocks)
  const asked = await askForEntries(
    tx,
    events.flatMap(({ facility_id: facilityId, type, data }) => {
      const { bookingId, blockId } = data as Named
      const id = bookingId ?? ofBlocks.get(blockId ?? "")
      return id === undefined ? [] : { facilityId, type, bookingIds: [id] }
    }),
  )
  // In one order in every transaction, so that two of them never wait for each other.
  for (const [facilityId, ids] of [...asked].sort(([a], [b]) => a.localeCompare(b)))
    await wakeSyncs(tx, facilityId, ids)
  if (asked.size > 0) tx.afterCommit(() => sendHint("calendars"))
}

interface Named {
  readonly bookingId?: string
  readonly blockId?: string
}
