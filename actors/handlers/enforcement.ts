/**
 * EnforcementAgent explains each strike to staff in words, with a proposal that a person decides. One report per event,
 * in the transaction that settles the run: a repeated run finds it.
 */
import { explainStrike } from "#domain/agents/reports/enforcement.ts"
import type { EventData } from "#events/catalogue.ts"
import type { OneByOneHandler } from "./handler.ts"

export const enforcementAgent = (): OneByOneHandler => ({
  kind: "transactional",
  name: "EnforcementAgent",
  events: ["booking.no_show"],
  handle: async (tx, event) => {
    const data = event.data as EventData<"booking.no_show">
    const skipped = await explainStrike(tx, event.facility_id, event.id, data)
    return skipped === undefined ? undefined : { skipped }
  },
})
