/** Mutations of runs: their transactions, their outside effects, their settlement. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const folder = "test/actors/runs"
const transactionTests = [`${folder}/run-handler.test.ts`, `${folder}/set-based.test.ts`]
const transactional = { file: "actors/runs/transactional.ts", tests: transactionTests }
const transaction = { file: "actors/runs/batch-transaction.ts", tests: transactionTests }
const external = { file: "actors/runs/external.ts", tests: [`${folder}/external.test.ts`] }
const settleTests = [`${folder}/settle.test.ts`]

export const runMutations: readonly Mutation[] = [
  { ...transactional, name: "deadlock-is-a-failure", find: "maxDeadlocks = 5", replace: "maxDeadlocks = 0" },
  { ...transactional, name: "lock-wait-is-a-failure", find: "maxLockWaits = 10", replace: "maxLockWaits = 0" },
  {
    ...transactional,
    name: "rest-is-not-returned",
    find: "await returnRuns(db, { ...claim, runs: rest })",
    replace: "",
  },
  { ...transaction, name: "waits-long-for-a-locked-row", find: `lockLimit = "1s"`, replace: `lockLimit = "60s"` },
  { ...transaction, name: "slow-batch-in-one-transaction", find: "batchMs = 5_000", replace: "batchMs = 50_000" },
  {
    ...transaction,
    tests: ["test/actors/runtime/life-sign.test.ts"],
    name: "batch-holds-its-rows-for-long",
    find: `idleLimit = "2s"`,
    replace: `idleLimit = "60s"`,
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
  {
    file: "actors/runs/failure-text.ts",
    tests: settleTests,
    name: "errors-with-nul",
    find: `.replaceAll("\\0", "\\ufffd")`,
    replace: "",
  },
  {
    file: "actors/runs/settle-failed.ts",
    tests: settleTests,
    name: "give-up-is-retried",
    find: "cause instanceof GiveUp ? undefined : ",
    replace: "",
  },
]
