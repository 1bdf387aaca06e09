/**
 * AnalyticsHandler: adds each event to the daily figures of its facility, in the transaction that settles its run, so
 * it counts exactly once. src/domain/figures/ defines what an event adds, and writes it.
 */
import { countedTypes } from "#domain/figures/counting.ts"
import { addToDailyFigures } from "#domain/figures/daily.ts"
import type { SetBasedHandler } from "./handler.ts"

export const analyticsHandler = (): SetBasedHandler => ({
  kind: "transactional",
  name: "AnalyticsHandler",
  events: countedTypes,
  handleAll: addToDailyFigures,
})
