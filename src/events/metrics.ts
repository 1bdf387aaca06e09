/**
 * The counts and durations of this process, by the spec's names (EVENT_METRICS). Prometheus allows no dots:
 * `events.published.total` is `events_published_total`, and its help text opens with the spec's name. Counters and
 * histograms cover this process. The gauges are read from the database at a scrape, bounded and at most once a second.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client"
import { boundedOutcomes } from "#base/bounded/run-bounded.ts"
import type { Db } from "#base/database/db.ts"
import { parts } from "#base/parts.ts"
import { definitionOf } from "./catalogue.ts"

const registry = new Registry()
const registers = [registry]

const published = new Counter({
  name: "events_published_total",
  help: "events.published.total: Total events published",
  labelNames: ["type"],
  registers,
})
const processed = new Counter({
  name: "events_processed_total",
  help: "events.processed.total: Total events processed, per handler and outcome",
  labelNames: ["handler", "outcome"],
  registers,
})
const failed = new Counter({
  name: "events_failed_total",
  help: "events.failed.total: Total events failed, counted per attempt of a handler",
  labelNames: ["handler"],
  registers,
})
const processing = new Histogram({
  name: "events_processing_duration_seconds",
  help: "events.processing.duration: Event processing duration, seconds",
  labelNames: ["handler", "outcome"],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  registers,
})
const delivering = new Histogram({
  name: "webhooks_delivery_duration_seconds",
  help: "webhooks.delivery.duration: Webhook delivery duration of one attempt, seconds",
  labelNames: ["outcome"],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  registers,
})
const aborted = new Counter({
  name: "slotbase_requests_aborted_total",
  help: "Requests whose client closed the connection before the end of the body",
  registers,
})
const signIns = new Counter({
  name: "slotbase_sign_ins_total",
  help: "Sign-ins by outcome: succeeded, failed (a wrong password) or limited (refused without a look)",
  labelNames: ["outcome"],
  registers,
})
new Counter({
  name: "slotbase_child_tasks_total",
  help: "Total tasks of child processes, by how they ended: done, time, memory, crash, killed, start",
  labelNames: ["outcome"],
  registers,
  collect() {
    this.reset()
    for (const [outcome, count] of Object.entries(boundedOutcomes)) this.inc({ outcome }, count)
  },
})
const gauges = {
  queue: gauge("events_queue_size", "events.queue.size: Event queue size, undispatched events and unfinished runs"),
  webhooks: gauge("webhooks_pending_count", "webhooks.pending.count: Pending webhook deliveries"),
  deadLetters: gauge("dead_letter_size", "dead_letter.size: Dead letter queue size, unresolved"),
  deadPasses: gauge(
    "slotbase_dead_passes_open",
    "Passes of actors that failed at every attempt, without a later success",
  ),
  failingJobs: gauge("slotbase_jobs_failing", "Schedules of jobs whose run failed for good, without a later success"),
  lateJobs: gauge("slotbase_jobs_late", "Schedules of jobs that the scheduler should have looked at by now"),
  waitingRuns: gauge("slotbase_job_runs_waiting", "Runs of jobs that wait to begin or to be tried again"),
  mailHeld: new Gauge({
    name: "slotbase_mail_held",
    help: "1 while all mail is held, because its server speaks against the sender or does not answer",
    registers,
  }),
  textsHeld: new Gauge({
    name: "slotbase_texts_held",
    help: "1 while all text messages are held, because their provider takes none",
    registers,
  }),
  clockDoubted: new Gauge({
    name: "slotbase_clock_doubted",
    help: "1 while deletions wait because the clock of the host leapt ahead",
    registers,
  }),
}

new Counter({
  name: "slotbase_restarts_total",
  help: "How often each part of this process was started again",
  labelNames: ["part"],
  registers,
  collect() {
    this.reset()
    for (const { part, restarts } of parts.list()) this.inc({ part }, restarts)
  },
})
new Gauge({
  name: "slotbase_part_well",
  help: "1 for a part of this process that does its work, 0 for one that is ill or being restarted",
  labelNames: ["part"],
  registers,
  collect() {
    this.reset()
    for (const { part, state } of parts.list()) this.set({ part }, state === "well" ? 1 : 0)
  },
})

/** By job. A label of the facility would make thousands of series: the endpoint and the view have each. */
const ofJobs = {
  ticks: new Counter({
    name: "slotbase_job_ticks_total",
    help: "Ticks of scheduled jobs, of all facilities, by what became of them: succeeded, failed, lost or skipped",
    labelNames: ["job", "outcome"],
    registers,
  }),
  last: ofJob("slotbase_job_last_run_timestamp_seconds", "When the last run of a job began"),
  duration: ofJob("slotbase_job_last_run_duration_seconds", "How long the last ended run of a job took"),
  next: ofJob("slotbase_job_next_tick_timestamp_seconds", "The next tick of a job; none while it is paused"),
}

/** Durations are milliseconds here and seconds in the output, as Prometheus requires. */
export const metrics = {
  /** Committed events. */
  published(type: string, count = 1): void {
    published.inc({ type: definitionOf(type) ? type : "other" }, count)
  },
  /** Runs that have ended: success, skipped or dead_letter. Handlers come from the registry, so they are few. */
  processed(handler: string, outcome: string, durationsMs: readonly number[]): void {
    if (durationsMs.length === 0) return
    const labels = { handler, outcome }
    processed.inc(labels, durationsMs.length)
    for (const each of durationsMs) processing.observe(labels, each / 1000)
  },
  /** A failed attempt of a handler, with or without a retry. */
  failed(handler: string): void {
    failed.inc({ handler })
  },
  /** A request whose body ended early: its client has gone. */
  aborted(): void {
    aborted.inc()
  },
  /** A sign-in that was answered. */
  signedIn(outcome: "succeeded" | "failed" | "limited"): void {
    signIns.inc({ outcome })
  },
  /** A request to a webhook that has ended: delivered, failed or unknown. */
  delivered(outcome: string, durationMs: number): void {
    delivering.observe({ outcome }, durationMs / 1000)
  },
}

export const metricsContentType = registry.contentType

/** All metrics in Prometheus' text format. When the database does not answer, the gauges keep their last values. */
export async function scrape(db: Db): Promise<string> {
  if (performance.now() - measuredAt > gaugesFreshMs) {
    measuredAt = performance.now()
    measuring = measure(db).catch(() => {})
  }
  await measuring
  return registry.metrics()
}

const gaugesFreshMs = 1_000
/** Above this count nobody acts differently. Counting a longer queue would add load in the middle of trouble. */
const countAtMost = 100_000
let measuredAt = Number.NEGATIVE_INFINITY
let measuring: Promise<void> = Promise.resolve()

async function measure(db: Db): Promise<void> {
  const [row] = await db<
    [
      Record<
        | "queue"
        | "webhooks"
        | "dead_letters"
        | "dead_passes"
        | "failing_jobs"
        | "late_jobs"
        | "waiting_runs"
        | "mail_held"
        | "texts_held"
        | "clock_doubted",
        number
      >,
    ]
  >`
    select (select count(*) from (select from slotbase.outbox
              where seq > (select floor from slotbase.outbox_floor) limit ${countAtMost}) o)
         + (select count(*) from (select from slotbase.unfinished_runs limit ${countAtMost}) h) as queue,
           (select count(*) from (select from slotbase.delivery_queue limit ${countAtMost}) d) as webhooks,
           (select count(*) from (select from slotbase.dead_letters where resolved_at is null limit ${countAtMost}) l) as dead_letters,
           (select count(*) from (select from slotbase.dead_passes where recovered_at is null limit ${countAtMost}) p) as dead_passes,
           (select count(*) from (select from slotbase.job_schedules where failing_since is not null limit ${countAtMost}) s) as failing_jobs,
           (select count(*) from (select from slotbase.job_schedules
              where look_at < (select slotbase.now() - late_after from slotbase.settings) limit ${countAtMost}) s) as late_jobs,
           (select count(*) from (select from slotbase.job_runs
              where status in ('waiting', 'requested', 'retrying') limit ${countAtMost}) r) as waiting_runs,
           (select count(failing_since) from slotbase.mail_service where channel = 'email') as mail_held,
           (select count(failing_since) from slotbase.mail_service where channel = 'sms') as texts_held,
           (select count(doubted_since) from slotbase.clock_watch) as clock_doubted`
  gauges.queue.set(row.queue)
  gauges.webhooks.set(row.webhooks)
  gauges.deadLetters.set(row.dead_letters)
  gauges.deadPasses.set(row.dead_passes)
  gauges.failingJobs.set(row.failing_jobs)
  gauges.lateJobs.set(row.late_jobs)
  gauges.waitingRuns.set(row.waiting_runs)
  await measureJobs(db)
  gauges.mailHeld.set(row.mail_held)
  gauges.textsHeld.set(row.texts_held)
  gauges.clockDoubted.set(row.clock_doubted)
}

interface JobMeasured {
  readonly job: string
  readonly succeeded: number
  readonly failed: number
  readonly lost: number
  readonly skipped: number
  readonly next: number | null
  readonly last: number | null
  readonly duration: number | null
}

async function measureJobs(db: Db): Promise<void> {
  const rows = await db<JobMeasured[]>`
    select j.name as job, s.succeeded, s.failed, s.lost, s.skipped, s.next, l.last, l.duration
    from slotbase.jobs j
    cross join lateral (
      select coalesce(sum(s.succeeded), 0)::float8 as succeeded, coalesce(sum(s.failed), 0)::float8 as failed,
             coalesce(sum(s.lost), 0)::float8 as lost, coalesce(sum(s.skipped), 0)::float8 as skipped,
             extract(epoch from min(s.look_at) filter (where s.look_at < 'infinity'))::float8 as next
      from slotbase.job_schedules s where s.job = j.name
    ) s
    left join lateral (
      select extract(epoch from r.started_at)::float8 as last, extract(epoch from r.ended_at - r.started_at)::float8 as duration
      from slotbase.job_runs r where r.job = j.name and r.started_at is not null and r.ended_at is not null
      order by r.id desc limit 1
    ) l on true
    where not j.ended`
  for (const metric of Object.values(ofJobs)) metric.reset()
  for (const { job, next, last, duration, ...outcomes } of rows) {
    for (const [outcome, count] of Object.entries(outcomes)) ofJobs.ticks.inc({ job, outcome }, count)
    if (next !== null) ofJobs.next.set({ job }, next)
    if (last !== null) ofJobs.last.set({ job }, last)
    if (duration !== null) ofJobs.duration.set({ job }, duration)
  }
}

function ofJob(name: string, help: string) {
  return new Gauge({ name, help, labelNames: ["job"], registers })
}

function gauge(name: string, help: string) {
  return new Gauge({ name, help: `${help}; each count ends at 100,000`, registers })
}
