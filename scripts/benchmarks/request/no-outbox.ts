// Replaces src/events/outbox.ts in a server that books without events. The commands and transactions are the same, and
// nothing is checked, written or announced. without-events.ts puts this module in place.

import { newId } from "#base/ids.ts"
import type * as outbox from "#events/outbox.ts"
import type { EventContext } from "#events/outbox.ts"

type Exports = Pick<typeof outbox, "transact" | "setEventContext" | "record" | "eventContextOf">

/** The audit trail names the actor of the transaction. */
const contexts = new WeakMap<object, EventContext>()

export const transact: Exports["transact"] = async (db, context, command) => ({
  result: await db.begin((tx) => {
    contexts.set(tx, context)
    return command(tx)
  }),
  eventIds: [],
})

export const setEventContext: Exports["setEventContext"] = (_tx, context) => ({ context, events: [] })

export const record: Exports["record"] = () => ""

export const eventContextOf: Exports["eventContextOf"] = (tx) =>
  contexts.get(tx) ?? { environment: "development", correlationId: newId() }
