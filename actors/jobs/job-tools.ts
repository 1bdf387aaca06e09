/** What a scheduled job works with. A job that needs more names the tools of the room that it calls. */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"

export interface JobTools {
  readonly db: Db
  /** Where the job's events happen. */
  readonly config: Pick<Config, "environment">
}
