// Replaces src/events/outbox.ts in a server that books without events. The commands and transactions are the same, and
// nothing is checked, written or announced. without-events.ts puts this module in place.

import { newId } from "#base/ids.ts"
import type * as outbox from "#events/outbox.ts"

type Exports = Pick<typeof outbox, "transact" | "open" | "record" | "contextOf">

export const transact: Exports["transact"] = async (db, _context, command) => ({
  result: await db.begin(command),
  eventIds: [],
})

export const open: Exports["open"] = (_tx, context) => ({ context, events: [] })

export const record: Exports["record"] = () => ""

export const contextOf: Exports["contextOf"] = () => ({ environment: "development", correlationId: newId() })
