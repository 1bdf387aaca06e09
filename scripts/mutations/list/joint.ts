/** Mutations of handlers together: who takes part, who leaves with what, and what a settlement refuses. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const folder = "test/actors/runs"
const byClaims = [`${folder}/joint-claim.test.ts`]
const byRuns = [`${folder}/joint-runs.test.ts`, `${folder}/joint-hold-ups.test.ts`]
const runs = { file: "actors/runs/joint-runs.ts", tests: byRuns }
const goesOn = { file: "actors/runs/joint-runs.ts", tests: [`${folder}/joint-goes-on.test.ts`] }
const member = { file: "actors/runs/joint-member.ts", tests: byRuns }
const sql = { file: "sql/0061-together.sql", tests: byClaims }

export const jointMutations: readonly Mutation[] = [
  {
    ...runs,
    name: "joint-failure-is-made-again-with-the-handler",
    find: "left = left.filter((part) => part !== error.part)",
    replace: "",
  },
  {
    ...runs,
    name: "joint-handler-decides-and-leaves-for-long",
    find: "if (error.cause instanceof GiveUp || error.cause instanceof TryLater) member.leave(claim)",
    replace: "if (false) member.leave(claim)",
  },
  {
    ...runs,
    name: "joint-failure-without-a-name-is-lost",
    find: "if (!(error instanceof JointPartFailed)) {\n        leave(left)",
    replace: "if (!(error instanceof JointPartFailed)) {",
  },
  { ...runs, name: "joint-stopping-process-begins", find: " && !stopping.aborted", replace: "" },
  {
    ...runs,
    name: "joint-part-larger-than-its-handler-takes",
    find: "handler.atMost !== undefined && runs.length > handler.atMost",
    replace: "false",
  },
  {
    ...goesOn,
    name: "joint-quick-settlement-claims",
    find: "performance.now() - claimedAt >= gatherMs && ",
    replace: "",
  },
  { ...goesOn, name: "joint-settlement-claims-for-ever", find: " && performance.now() < until", replace: "" },
  { ...goesOn, name: "joint-settlement-claims-at-a-stop", find: "!isBusy() || stopping.aborted", replace: "!isBusy()" },
  {
    ...goesOn,
    name: "joint-settlement-claims-for-those-that-left",
    find: "group.filter(({ isApart }) => !isApart)",
    replace: "group",
  },
  {
    ...goesOn,
    file: "actors/runs/joint-transaction.ts",
    name: "joint-settlement-waits-for-claims",
    find: "next.members, false)",
    replace: "next.members, true)",
  },
  {
    ...member,
    name: "joint-slow-handler-comes-back-at-once",
    find: "if (performance.now() >= this.#apartUntil) this.#apart = false",
    replace: "this.#apart = false",
  },
  { ...member, name: "joint-handler-never-comes-back", find: "this.#apart = false", replace: "this.#apart = true" },
  {
    file: "actors/runs/run-loop.ts",
    tests: byRuns,
    name: "joint-parts-are-kept-at-the-end",
    find: "for (const claim of this.#member?.taken.splice(0) ?? []) await returnRuns(this.#tools.db, claim)",
    replace: "",
  },
  {
    file: "actors/runs/joint-transaction.ts",
    tests: byRuns,
    name: "joint-part-without-a-limit",
    find: ", partMs)\n  const work",
    replace: ", 60_000)\n  const work",
  },
  {
    file: "actors/runs/joint-claim.ts",
    tests: byClaims,
    name: "joint-skipped-run-succeeds",
    find: `status === "skipped" ?`,
    replace: `status === "success" && reason !== null ?`,
  },
  {
    ...sql,
    name: "joint-claim-of-those-far-behind",
    find: "c.next <= top - few)",
    replace: "c.next <= top - few - 1)",
  },
  { ...sql, name: "joint-claim-for-each-from-the-first", find: " on p.position >= g.next", replace: " on true" },
  { ...sql, name: "joint-own-claims-are-never-freed", find: "  if own then", replace: "  if false then" },
  {
    ...sql,
    name: "joint-settlement-without-a-claim",
    find: "if held is distinct from settle_joint.runs or kept <> events then",
    replace: "if kept <> events then",
  },
  { ...sql, name: "joint-run-settled-twice", find: "    where not j.handlers && excluded.handlers\n", replace: "" },
]
