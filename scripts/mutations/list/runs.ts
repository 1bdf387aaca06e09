/** Mutations of actors in general, and of runs. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const actors = { file: "actors/index.ts", tests: ["test/actors/index.test.ts"] }
const actor = { file: "actors/runtime/actor.ts", tests: ["test/actors/runtime/actor.test.ts"] }
const supervisor = { file: "actors/runtime/supervisor.ts", tests: ["test/actors/runtime/supervisor.test.ts"] }
const lifeSign = { file: "actors/runtime/life-sign.ts", tests: ["test/actors/runtime/life-sign.test.ts"] }
const retry = { file: "actors/runtime/retry.ts", tests: ["test/actors/runtime/retry.test.ts"] }
const memory = { file: "actors/runtime/event-memory.ts", tests: ["test/actors/runtime/event-memory.test.ts"] }
const quarantine = {
  file: "actors/runtime/quarantine.ts",
  tests: ["test/actors/deliveries/quarantine.test.ts", "test/actors/runs/run-handler.test.ts"],
}
const transactional = {
  file: "actors/runs/transactional.ts",
  tests: ["test/actors/runs/run-handler.test.ts", "test/actors/runs/set-based.test.ts"],
}
const external = { file: "actors/runs/external.ts", tests: ["test/actors/runs/external.test.ts"] }
const settle = { file: "actors/runs/settle.ts", tests: ["test/actors/runs/settle.test.ts"] }

export const runMutations: readonly Mutation[] = [
  { ...actors, name: "gathering-never-wakes", find: "      gathering = false\n      wake()\n", replace: "" },
  { ...actors, name: "gathering-wakes-once", find: "      gathering = false\n", replace: "" },
  { ...actor, name: "actor-joins-a-pass-that-looked", find: "if (looking) await looking.catch(() => {})", replace: "" },
  { ...actor, name: "actor-without-a-floor", find: "now + actor.everyMs", replace: "Number.POSITIVE_INFINITY" },
  { ...actor, name: "actor-waits-for-ever", find: "once(stopping), late", replace: "once(stopping)" },
  { ...actor, name: "actor-looks-once", find: "!pass.more || stopping.aborted", replace: "true" },
  {
    ...supervisor,
    name: "restarts-without-a-growing-delay",
    find: "firstDelayMs * 2 ** (failures.length - 1)",
    replace: "firstDelayMs",
  },
  { ...supervisor, name: "restarts-forget-nothing", find: "at > now - intensity.withinMs", replace: "at <= now" },
  {
    ...supervisor,
    name: "waits-for-a-database-for-ever",
    find: "now - away.since > intensity.databaseAwayMs",
    replace: "false",
  },
  { ...lifeSign, name: "life-sign-believed-for-long", find: "believedMs = 2_000", replace: "believedMs = 60_000" },
  { ...lifeSign, name: "life-sign-seldom", find: "beatMs = 500", replace: "beatMs = 5_000" },
  {
    ...lifeSign,
    name: "life-sign-without-good-bye",
    find: "set alive_until = clock_timestamp() where",
    replace: "set pid = pid where",
  },
  { ...retry, name: "retries-do-not-double", find: "** (failures - 1)", replace: "** 0" },
  {
    ...retry,
    name: "retries-once-more",
    find: "failures > policy.maxRetries",
    replace: "failures > policy.maxRetries + 1",
  },
  { ...memory, name: "memory-keeps-everything", find: "let surplus = events.size - kept", replace: "let surplus = 0" },
  { ...memory, name: "memory-lets-itself-be-changed", find: "Object.freeze(event.data)", replace: "event.data" },
  { ...quarantine, name: "lone-runs-side-by-side", find: "  await before\n", replace: "" },
  {
    ...quarantine,
    name: "lone-run-beside-a-lone-delivery",
    find: "while (sending.has(owner())) await sending.get(owner())",
    replace: "",
  },
  {
    ...quarantine,
    name: "lone-deliveries-side-by-side",
    find: "if (sending.has(owner)) return undefined",
    replace: "",
  },
  {
    ...quarantine,
    name: "lone-run-keeps-deliveries-waiting",
    find: "patienceMs = 2_000",
    replace: "patienceMs = 200_000_000",
  },
  { ...transactional, name: "deadlock-is-a-failure", find: "maxDeadlocks = 5", replace: "maxDeadlocks = 0" },
  { ...transactional, name: "waits-long-for-a-locked-row", find: `lockLimit = "1s"`, replace: `lockLimit = "60s"` },
  { ...transactional, name: "lock-wait-is-a-failure", find: "maxLockWaits = 10", replace: "maxLockWaits = 0" },
  { ...transactional, name: "slow-batch-in-one-transaction", find: "batchMs = 5_000", replace: "batchMs = 50_000" },
  {
    ...transactional,
    tests: lifeSign.tests,
    name: "batch-holds-its-rows-for-long",
    find: `idleLimit = "2s"`,
    replace: `idleLimit = "60s"`,
  },
  {
    ...transactional,
    name: "rest-is-not-given-back",
    find: "await giveBack(db, { ...claim, runs: rest })",
    replace: "",
  },
  { ...external, name: "end-is-not-settled-again", find: "settleWithinMs = 60_000", replace: "settleWithinMs = 0" },
  {
    ...external,
    name: "idempotency-key-of-the-event-alone",
    find: "idempotencyKey: ",
    replace: "idempotencyKey: run.id ?? ",
  },
  {
    ...external,
    name: "external-run-without-a-limit",
    find: "runTimeoutMs = 60_000",
    replace: "runTimeoutMs = 600_000_000",
  },
  { ...settle, name: "errors-with-nul", find: `.replaceAll("\\0", "\\ufffd")`, replace: "" },
  { ...settle, name: "give-up-is-retried", find: "cause instanceof GiveUp ? undefined : ", replace: "" },
]
