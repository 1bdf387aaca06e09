/** Mutations of a handler's passes: the five steps, the pauses, orphaned claims, and what becomes of a claim. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const folder = "test/actors/runs"
const loop = {
  file: "actors/runs/run-loop.ts",
  tests: [`${folder}/run-loop.test.ts`, `${folder}/run-handler.test.ts`, `${folder}/external.test.ts`],
}
const claim = { file: "actors/runs/handle-claim.ts", tests: [...loop.tests, `${folder}/handle-claim.test.ts`] }

export const runLoopMutations: readonly Mutation[] = [
  { ...loop, name: "batch-of-one-by-one", find: "oneByOneBatch = 100", replace: "oneByOneBatch = 101" },
  { ...loop, name: "batch-of-set-based", find: "setBasedBatch = 500", replace: "setBasedBatch = 501" },
  { ...loop, name: "batch-of-external", find: "externalBatch = 10", replace: "externalBatch = 11" },
  { ...loop, name: "stopping-process-claims", find: "if (stopping.aborted) return { more: false }", replace: "" },
  {
    ...loop,
    name: "claim-is-handled-while-stopping",
    find: "if (stopping.aborted) return void (await returnRuns(this.#tools.db, claim))",
    replace: "",
  },
  // Step 1 releases orphaned claims.
  {
    ...loop,
    name: "orphans-are-never-released",
    find: "if (this.#hasOrphans) await this.#release({ own: true })",
    replace: "",
  },
  {
    ...loop,
    name: "orphans-are-not-released-before-the-log",
    find: "await this.#releaseOrphans()\n    await this.#rescue()",
    replace: "await this.#rescue()",
  },
  {
    ...loop,
    name: "orphans-are-not-released-before-the-queue",
    find: "const began = performance.now()\n    await this.#releaseOrphans()",
    replace: "const began = performance.now()",
  },
  {
    ...loop,
    name: "orphans-are-not-released-before-quarantine",
    find: "for (;;) {\n      await this.#releaseOrphans()",
    replace: "for (;;) {",
  },
  { ...loop, name: "orphans-are-forgotten", find: `this.#tools.handler.kind === "external"`, replace: "false" },
  {
    ...loop,
    name: "orphans-of-transactional-handlers",
    find: `this.#tools.handler.kind === "external"`,
    replace: "true",
  },
  // Step 2 rescues the runs of dead processes.
  { ...loop, name: "dead-processes-are-never-looked-for", find: "await this.#release({ own: false })", replace: "" },
  {
    ...loop,
    name: "dead-processes-are-looked-for-in-each-pass",
    find: "this.#nextRescueAt = performance.now() + queueEveryMs",
    replace: "",
  },
  {
    ...loop,
    name: "rescued-runs-wait-for-a-pause",
    find: "if (done.released > 0) this.#nextQueueAt = Number.NEGATIVE_INFINITY",
    replace: "",
  },
  // Step 3 claims fresh runs.
  { ...loop, name: "rescued-runs-come-last", find: "if (this.#rescued > 0)", replace: "if (false)" },
  {
    ...loop,
    name: "first-batch-of-rescued-runs-alone",
    find: "Math.max(0, this.#rescued - this.#batch)",
    replace: "0",
  },
  { ...loop, name: "log-never-has-more", find: "return claim.more\n", replace: "return false\n" },
  // Step 4 claims from the queue.
  { ...loop, name: "queue-without-a-pause", find: "|| performance.now() < this.#nextQueueAt", replace: "" },
  { ...loop, name: "queue-seldom", find: "queueEveryMs = 1_000", replace: "queueEveryMs = 1_001" },
  { ...loop, name: "slow-queue-as-often", find: "queueShare = 10", replace: "queueShare = 0" },
  {
    ...loop,
    name: "slow-queue-for-long",
    find: "longestQueuePauseMs = 1_500",
    replace: "longestQueuePauseMs = 15_000",
  },
  {
    ...loop,
    name: "returned-runs-wait-for-a-pause",
    find: "    this.#hasReturned = true\n    this.#nextQueueAt = Number.NEGATIVE_INFINITY",
    replace: "    this.#hasReturned = true",
  },
  {
    ...loop,
    name: "returned-runs-are-not-expected",
    find: "this.#hasReturned || claim.more",
    replace: "claim.more",
  },
  // Step 5 claims quarantined runs.
  {
    ...loop,
    name: "quarantine-is-never-claimed",
    find: "if (!this.#hasQuarantined) return false",
    replace: "return false",
  },
  {
    ...loop,
    name: "quarantine-of-each-handler-by-itself",
    find: "quarantine.handleRun(() => this.#handleQuarantined(stopping))",
    replace: "this.#handleQuarantined(stopping)",
  },
  { ...loop, name: "quarantine-for-long", find: "quarantineMs = 250", replace: "quarantineMs = 25_000" },
  { ...loop, name: "quarantine-one-at-a-time", find: "quarantineMs = 250", replace: "quarantineMs = 0" },
  // A claim is handled and settled.
  { ...claim, name: "gone-events-are-passed-over", find: "of claim.gone) await", replace: "of []) await" },
  { ...claim, name: "unsettled-runs-count-as-ended", find: "return allEnded\n}", replace: "return true\n}" },
  {
    ...claim,
    name: "failures-of-a-stopping-process-are-returned",
    find: `handler.kind === "external" && isCutOff(tools)) {`,
    replace: "isCutOff(tools)) {",
  },
  {
    ...claim,
    name: "cut-off-runs-have-failed",
    find: "if (stopping.aborted && handler",
    replace: "if (false && handler",
  },
  { ...claim, name: "runs-without-retries-are-cut-off", find: "|| policy.maxRetries > 0", replace: "|| true" },
  { ...claim, name: "failures-are-not-settled", find: "of failures) await", replace: "of []) await" },
  {
    ...claim,
    name: "quarantine-without-an-attempt-left",
    find: "attempts > maxRetries",
    replace: "attempts >= maxRetries",
  },
  { ...claim, name: "unknown-outcomes-are-begun-again", find: "&& maxRetries === 0", replace: "&& false" },
  {
    ...claim,
    name: "abandoned-runs-are-handled-too",
    find: "claim.runs.filter((run) => !isUsedUp(tools, run))",
    replace: "claim.runs",
  },
  {
    ...claim,
    name: "retries-count-as-dead-letters",
    find: "if (retriedAfterMs === undefined) metrics",
    replace: "metrics",
  },
]
