// The pipeline on graphile-worker: a task per handler and one for the webhook. graphile_worker.add_jobs adds the six
// jobs in the transaction of the event, in one call.

import { Logger, runMigrations } from "graphile-worker"
import type { Contestant } from "./contestant.ts"
import type { GraphileSettings } from "./graphile-worker.ts"
import { createPeerTables, jobsOf, peerOutcomes, peerRecorder, peerWorkers } from "./peer.ts"

export const graphile = (name: string, settings: GraphileSettings, processes = 1): Contestant => ({
  name,
  prepare: async (environment) => {
    await runMigrations({ connectionString: environment.url, logger: new Logger(() => () => {}) })
    await createPeerTables(environment.sql)
    return {
      // Otherwise its logger is called for every job.
      workers: peerWorkers("graphile-worker.ts", settings, processes, environment, { NO_LOG_SUCCESS: "1" }),
      recorder: async () =>
        peerRecorder(environment.url, async (tx, events) => {
          const jobs = events.flatMap(jobsOf)
          await tx`
            select from graphile_worker.add_jobs(array(
              select row(name, data, null, null, null, null, null, null)::graphile_worker.job_spec
              from jsonb_to_recordset(${tx.json(jobs as never)}) as j (name text, data json)))`
        }),
      outcomes: () => peerOutcomes(environment.sql),
      stop: async () => {},
    }
  },
})
