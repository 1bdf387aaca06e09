/** The context of the events that a scheduled job records: each piece of work has a correlation of its own. */
import type { App } from "#base/app.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import type { EventContext } from "#events/outbox.ts"

export const jobContext = ({ config }: Pick<App, "config">): EventContext => ({
  environment: config.environment,
  correlationId: newId(),
  userId: jobsUserId,
})
