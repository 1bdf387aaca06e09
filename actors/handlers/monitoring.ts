/**
 * MonitoringAgent looks at each day of a facility when its report was made: late events, failing endpoints, unusual
 * figures. One report in words per event, in the transaction that settles the run: a repeated run finds it.
 */
import { lookAtDay } from "#domain/agents/reports/monitoring.ts"
import type { EventData } from "#events/catalogue.ts"
import type { OneByOneHandler } from "./handler.ts"

export const monitoringAgent = (): OneByOneHandler => ({
  kind: "transactional",
  name: "MonitoringAgent",
  events: ["facility.report.made"],
  handle: async (tx, event) => {
    const data = event.data as EventData<"facility.report.made">
    const skipped = await lookAtDay(tx, event.facility_id, event.id, data)
    return skipped === undefined ? undefined : { skipped }
  },
})
