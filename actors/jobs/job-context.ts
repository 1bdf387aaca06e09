/**
 * The tools of a scheduled job, and the context of the events that it records. Each piece of work has its own
 * correlation. A job that needs more tools takes those of the room that it calls.
 */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import type { EventContext } from "#events/outbox.ts"

export interface JobTools {
  readonly db: Db
  /** The environment of the job's events. */
  readonly config: Pick<Config, "environment">
}

export const jobContext = ({ config }: Pick<JobTools, "config">): EventContext => ({
  environment: config.environment,
  correlationId: newId(),
  userId: jobsUserId,
})
