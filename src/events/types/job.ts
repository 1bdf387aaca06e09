/**
 * The events of a facility's own scheduled jobs: one fails, or works again. Its administrators hear what their club
 * lacks, such as a report or the bills of a month. No webhook can subscribe to them.
 */
import * as Schema from "effect/Schema"
import { Id, Instant, Text } from "#base/schema/fact-fields.ts"
import { area } from "#events/definition.ts"
import { example } from "#events/example.ts"

const define = area("operations-service")

/** The stages in which a facility is told that a job of its own day fails. */
export const jobFailingStages = ["at_once", "one_day", "one_week"] as const

/** `jobId` is that of the job, the same in all facilities. */
const failing = { facilityId: Id, jobId: Id, job: Text, failingSince: Instant }
const sample = {
  facilityId: example.facilityId,
  jobId: example.correlationId,
  job: "daily-reports",
  failingSince: example.bookedAt,
}

export const jobEvents = [
  define({
    type: "facility.job.failing",
    origin: "slotbase",
    description:
      "A scheduled job of the facility's own day failed at every attempt, or cannot be planned. Told at once, after a day and after a week.",
    aggregate: "job",
    aggregateId: (data) => data.jobId,
    data: { ...failing, stage: Schema.Literals(jobFailingStages), lastError: Text },
    sample: { ...sample, stage: "at_once", lastError: "no end after 60000 ms" },
  }),
  define({
    type: "facility.job.recovered",
    origin: "slotbase",
    description: "A scheduled job that was told to fail in the facility has ended well again.",
    aggregate: "job",
    aggregateId: (data) => data.jobId,
    data: { ...failing, recoveredAt: Instant },
    sample: { ...sample, recoveredAt: example.startAt },
  }),
] as const
