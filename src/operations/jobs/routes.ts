/**
 * Scheduled jobs: their list, their ticks, the results of their runs, and runs by hand; for the platform and in a
 * facility.
 */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin, requirePlatformAdmin } from "#access/caller.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { PageQuery } from "#base/schema/page.ts"
import { wholeNumberText } from "#base/schema/request-fields.ts"
import type { App } from "#http/app.ts"
import type { ResponseSettings } from "#http/correlation.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api, type RequestTools } from "#http/route.ts"
import { Job, JobRun, listJobs, listRuns, RunQuery, readJob, readRun, requestRun, runOf } from "./jobs.ts"
import { pauseJob, resumeJob } from "./pause.ts"
import { FacilityPreviewQuery, JobPreview, PreviewQuery, previewJob } from "./preview.ts"
import { untilEnded } from "./wait.ts"

const tag = "Operations"

export const jobRoutes = (app: App) =>
  new Elysia({ name: "jobs" })
    .use(api(app))
    .get(
      "/v1/jobs",
      async ({ caller, input, query }) => {
        requirePlatformAdmin(await caller())
        return listJobs(app.db, input(PageQuery, query))
      },
      described({
        tag,
        summary: "List the scheduled jobs with their next ticks and last runs",
        query: PageQuery,
        answer: listOf(Job),
      }),
    )
    .get(
      "/v1/jobs/:name",
      async ({ caller, params }) => {
        requirePlatformAdmin(await caller())
        return readJob(app.db, params.name)
      },
      described({ tag, summary: "Read a scheduled job", answer: Job }),
    )
    .get(
      "/v1/jobs/:name/preview",
      async ({ caller, input, query, params }) => {
        requirePlatformAdmin(await caller())
        return previewJob(app.db, params.name, input(PreviewQuery, query))
      },
      described({
        tag,
        summary: "Ask when a job ticks, and what a run would do now",
        query: PreviewQuery,
        answer: JobPreview,
      }),
    )
    .post(
      "/v1/jobs/:name/pause",
      async ({ caller, command, input, body, params }) => {
        const who = await caller()
        input(NoInput, body)
        return command((tx) => pauseJob(tx, who, params.name))
      },
      described({
        tag,
        summary: "Pause a job in all facilities",
        description: "Until it is resumed, none of its ticks is run. It can still be run by hand.",
        body: NoInput,
        answer: Job,
        audited: "job.paused",
      }),
    )
    .post(
      "/v1/jobs/:name/resume",
      async ({ caller, command, input, body, params }) => {
        const who = await caller()
        input(NoInput, body)
        return command((tx) => resumeJob(tx, who, params.name))
      },
      described({
        tag,
        summary: "Resume a job in all facilities",
        description: "Its rule for missed ticks says which of them are run. Facilities that paused it stay paused.",
        body: NoInput,
        answer: Job,
        audited: "job.resumed",
      }),
    )
    .post(
      "/v1/jobs/:name/run",
      (context) => run(app, context),
      described({ audited: "job.run", ...running, summary: "Run a job now" }),
    )
    .get(
      "/v1/jobs/:name/runs",
      async ({ caller, input, query, params }) => {
        requirePlatformAdmin(await caller())
        return listRuns(app.db, params.name, input(RunQuery, query))
      },
      described({ tag, summary: "List the runs of a job, the newest first", query: RunQuery, answer: listOf(JobRun) }),
    )
    .get(
      "/v1/jobs/:name/runs/:id",
      async ({ caller, params }) => {
        requirePlatformAdmin(await caller())
        return readRun(app.db, params.name, idOf(params.id, "run"))
      },
      described({ tag, summary: "Read a run of a job", answer: JobRun }),
    )
    .get(
      "/v1/facilities/:facilityId/jobs",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return listJobs(app.db, input(PageQuery, query), facilityId)
      },
      described({
        tag,
        summary: "List the scheduled jobs as they concern a facility",
        description: "For its administrators. The results of runs for all facilities are not shown.",
        query: PageQuery,
        answer: listOf(Job),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/jobs/:name/preview",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return previewJob(app.db, params.name, input(FacilityPreviewQuery, query), facilityId)
      },
      described({
        tag,
        summary: "Ask when a job ticks for a facility",
        query: FacilityPreviewQuery,
        answer: JobPreview,
      }),
    )
    .post(
      "/v1/facilities/:facilityId/jobs/:name/pause",
      async ({ caller, command, input, body, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        const who = await caller()
        input(NoInput, body)
        return command((tx) => pauseJob(tx, who, params.name, facilityId))
      },
      described({
        tag,
        summary: "Pause a job in a facility",
        description: "For its administrators, and for jobs that have `perFacility`.",
        body: NoInput,
        answer: Job,
        audited: "job.paused",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/jobs/:name/resume",
      async ({ caller, command, input, body, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        const who = await caller()
        input(NoInput, body)
        return command((tx) => resumeJob(tx, who, params.name, facilityId))
      },
      described({
        tag,
        summary: "Resume a job in a facility",
        description: "Its rule for missed ticks says which of them are run.",
        body: NoInput,
        answer: Job,
        audited: "job.resumed",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/jobs/:name/run",
      (context) => run(app, context, facilityIdOf(context.params.facilityId)),
      described({
        ...running,
        summary: "Run a job now, for one facility alone",
        description: `For its administrators, and for jobs that have \`runsInFacility\`. ${running.description}`,
        audited: "job.run",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/jobs/:name/runs",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return listRuns(app.db, params.name, input(RunQuery, query), facilityId)
      },
      described({
        tag,
        summary: "List the runs of a job that were for one facility alone",
        query: RunQuery,
        answer: listOf(JobRun),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/jobs/:name/runs/:id",
      async ({ caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return readRun(app.db, params.name, idOf(params.id, "run"), facilityId)
      },
      described({ tag, summary: "Read a run of a job that was for one facility alone", answer: JobRun }),
    )

/** Seconds; less than the time after which a connection counts as idle. */
const longestWait = 20
const defaultWait = 10

const WaitQuery = Schema.Struct({
  wait: Schema.optionalKey(
    wholeNumberText(0, longestWait).annotate({
      description: `how long to wait for its end, 0 to ${longestWait} seconds; default ${defaultWait}`,
    }),
  ),
})

const running = {
  tag,
  description:
    "A process with actors claims it within a second. Requests made while it waits get the same run. " +
    "200: it has ended, with its result. 202: it has not; read it at its own address.",
  body: NoInput,
  query: WaitQuery,
  answer: JobRun,
  also: [202],
} as const

interface Asking extends Pick<RequestTools, "caller" | "command" | "input"> {
  readonly body: unknown
  readonly query: unknown
  readonly params: { readonly name: string }
  readonly set: ResponseSettings
}

/** Requests a run in one transaction, and waits for its end outside the transaction. */
async function run(app: App, { caller, command, input, body, query, params, set }: Asking, facilityId?: string) {
  const who = await caller()
  const { wait } = input(WaitQuery, query)
  input(NoInput, body)
  const asked = await command((tx) => requestRun(tx, who, params.name, facilityId), { status: 202 })
  const ended = await untilEnded(app.db, asked.id, Number(wait ?? defaultWait) * 1000)
  if (ended?.ended_at != null) set.status = 200
  return ended === undefined ? asked : runOf(ended)
}
