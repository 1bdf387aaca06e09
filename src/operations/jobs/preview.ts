/**
 * What a job will do: the ticks of the coming days, and the work that a run would find now. The ticks come from the
 * code of the scheduler, and say what the clocks do there.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import { RuleBroken } from "#base/errors.ts"
import { localDateOf, localTimeOf } from "#base/local-days.ts"
import { Timezone, wholeNumberText } from "#base/schema/request-fields.ts"
import { isZone } from "#base/zones/zone-data.ts"
import { parseCron } from "./cron.ts"
import { type Job, presently, readJob } from "./jobs.ts"
import { previewOf } from "./previews.ts"
import { ticksAfter } from "./ticks.ts"

const mostDays = 400
/** Days of a preview that asks for no other number. */
export const usualPreviewDays = 7
/** Ticks of an answer. A job of each minute has so many in eight hours. */
const mostTicks = 500

const days = wholeNumberText(1, mostDays).annotate({
  description: `how many days ahead, 1 to ${mostDays}; default ${usualPreviewDays}`,
})
export const PreviewQuery = Schema.Struct({
  days: Schema.optionalKey(days),
  timezone: Schema.optionalKey(
    Timezone.annotate({ description: "for jobs that run for each facility by itself: the zone of one; default UTC" }),
  ),
})
export const FacilityPreviewQuery = Schema.Struct({ days: Schema.optionalKey(days) })

export const JobPreview = Schema.Struct({
  job: Schema.String,
  due: Schema.NullOr(Schema.Record(Schema.String, Schema.Finite)).annotate({
    description: "what a run would find, as counts by name; null: not known",
  }),
  nextTicks: Schema.Array(Schema.String),
  timezone: Schema.String.annotate({ description: "the zone of the local times" }),
  ticks: Schema.Array(
    Schema.Struct({
      at: Schema.String,
      localDate: Schema.String.annotate({ description: "the local day of the tick" }),
      localTime: Schema.String.annotate({ description: "the time that the cron line names" }),
      wall: Schema.String.annotate({ description: "the local date and time when it comes" }),
      clocks: Schema.NullOr(Schema.Literals(["skipped", "repeated", "again"])).annotate({
        description:
          "What the clocks do with that local time. skipped: the tick comes at the end of the gap. repeated: this is " +
          "the first of two. again: the second, of a job that ticks in every hour.",
      }),
    }),
  ).annotate({ description: `the ticks of the coming days, at most ${mostTicks}; none while the job is paused` }),
  more: Schema.Boolean.annotate({ description: "there are more ticks in these days than the answer has" }),
}).annotate({ identifier: "JobPreview" })
export type JobPreview = typeof JobPreview.Type

const dayMs = 24 * 60 * 60_000

/** Throws NotFound; RuleBroken `unknown_timezone` for a facility whose zone the program does not know. */
export async function previewJob(
  db: Queryable,
  name: string,
  query: typeof PreviewQuery.Type,
  facilityId?: string,
): Promise<JobPreview> {
  const job = await readJob(db, name, facilityId)
  const now = (await presently(db)).getTime()
  const timezone = job.timezone === "local" ? (query.timezone ?? "UTC") : job.timezone
  if (!isZone(timezone))
    throw new RuleBroken(
      "unknown_timezone",
      `This version of SlotBase does not know the time zone ${timezone}: give the facility another one.`,
    )
  const planned = facilityId !== undefined || !job.perFacility ? job.nextTicks[0] : undefined
  // The scheduler may have left out the first: a local day has one tick, also when the zone changes.
  const after = planned === undefined ? now : Math.max(now, Date.parse(planned) - 1)
  const found = ticksOf(job, timezone, after, now + Number(query.days ?? usualPreviewDays) * dayMs)
  return {
    job: job.name,
    // What a run would find elsewhere is not a facility's to know.
    due: facilityId === undefined ? await previewOf(db, job.name) : null,
    nextTicks: job.nextTicks,
    timezone,
    ticks: found.slice(0, mostTicks),
    more: found.length > mostTicks,
  }
}

function ticksOf(job: Job, timezone: string, after: number, until: number): JobPreview["ticks"] {
  const ticks: JobPreview["ticks"][number][] = []
  if (job.pausedAt !== null) return ticks
  for (const { at, localDate, localTime, clocks = null } of ticksAfter(parseCron(job.cron), timezone, after)) {
    if (at > until || ticks.length > mostTicks) break
    const wall = `${localDateOf(timezone, at)}T${localTimeOf(timezone, at)}`
    ticks.push({ at: new Date(at).toISOString(), localDate, localTime, wall, clocks })
  }
  return ticks
}
