/** Mutations of webhooks: claiming, sending, judging, settling. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const folder = "test/actors/deliveries"
const attempt = { file: "actors/deliveries/attempt.ts", tests: [`${folder}/deliver-webhooks.test.ts`] }
const jitter = { file: "actors/deliveries/attempt.ts", tests: ["test/whole/properties/backoff.test.ts"] }
const breaker = { file: "actors/deliveries/breaker.ts", tests: [`${folder}/breaker.test.ts`] }
const claim = {
  file: "actors/deliveries/claim-rows.ts",
  tests: [`${folder}/claim-rows.test.ts`, `${folder}/quarantine.test.ts`],
}
const claimStatement = { ...claim, file: "sql/0049-claims.sql" }
const endpoint = {
  file: "actors/deliveries/endpoint.ts",
  tests: [`${folder}/endpoints.test.ts`, `${folder}/slow.test.ts`],
}
const fairness = { file: "actors/deliveries/fairness.ts", tests: endpoint.tests }
const finder = {
  file: "actors/deliveries/finder.ts",
  tests: [`${folder}/finder.test.ts`, `${folder}/deliver-webhooks.test.ts`],
}
const signature = {
  file: "src/outbound/webhooks/signature.ts",
  tests: ["test/outbound/webhooks/signature.test.ts", "test/whole/properties/signature.test.ts"],
}

export const deliveryMutations: readonly Mutation[] = [
  { ...jitter, name: "retries-without-jitter", find: "jitter = 0.2", replace: "jitter = 0" },
  {
    file: "src/base/egress/retry-after.ts",
    tests: ["test/base/egress/retry-after.test.ts"],
    name: "retry-after-in-milliseconds",
    find: "Number(said) * 1_000",
    replace: "Number(said)",
  },
  {
    file: "actors/deliveries/deliverer.ts",
    tests: [`${folder}/jitter.test.ts`],
    name: "retries-of-a-process-without-jitter",
    find: "tools.random ?? Math.random",
    replace: "tools.random ?? (() => 0.5)",
  },
  {
    ...attempt,
    name: "redirect-is-delivered",
    find: "status >= 200 && status < 300",
    replace: "status >= 200 && status < 400",
  },
  { ...attempt, name: "gone-is-retried", find: "if (status === 410)", replace: "if (status === 1410)" },
  { ...attempt, name: "given-up-is-failed", find: `cause.code === "aborted"`, replace: `cause.code === "never"` },
  { ...breaker, name: "breaker-opens-late", find: "opensAfter: 10", replace: "opensAfter: 11" },
  { ...breaker, name: "breaker-stays-open-for-long", find: "longestMs: 5_000", replace: "longestMs: 50_000" },
  { ...breaker, name: "success-does-not-close", find: "breaker.openUntil = 0", replace: "" },
  { ...breaker, name: "failure-does-not-halve", find: "Math.floor(breaker.requests / 2)", replace: "breaker.requests" },
  {
    ...claimStatement,
    name: "quarantined-delivery-brings-others",
    find: "where not exists (select from quarantined)",
    replace: "where true",
  },
  {
    ...claimStatement,
    name: "suspects-in-a-batch",
    find: "\n          and lease is null and unknowns < 2",
    replace: "\n          and lease is null",
  },
  {
    ...claimStatement,
    name: "dead-processes-claim",
    find: "and alive_until > clock_timestamp())\n  ), counting",
    replace: ")\n  ), counting",
  },
  { ...endpoint, name: "no-webhook-is-slow", find: "slowMs: 500", replace: "slowMs: 500_000" },
  { ...endpoint, name: "slow-webhooks-send-everything", find: "requestsOfSlow: 64", replace: "requestsOfSlow: 128" },
  {
    ...endpoint,
    name: "a-facility-sends-everything",
    find: "requestsOfFacility: 64",
    replace: "requestsOfFacility: 128",
  },
  {
    ...endpoint,
    name: "a-facility-claims-everything",
    find: "claimedOfFacility: 256",
    replace: "claimedOfFacility: 512",
  },
  {
    ...fairness,
    name: "webhooks-before-facilities",
    find: "return [...rounds.values()].flat()",
    replace: "return lanes",
  },
  { ...finder, name: "queue-is-scanned-once", find: "scanEveryMs = 2_000", replace: "scanEveryMs = 2_000_000" },
  {
    ...finder,
    name: "scan-starts-from-the-front",
    find: "queuedWork(db, this.#scan?.after, step)",
    replace: "queuedWork(db, undefined, step)",
  },
  {
    file: "actors/deliveries/claimer.ts",
    tests: [`${folder}/claimer.test.ts`],
    name: "stale-claims-are-sent",
    find: "staleMs = 2_000",
    replace: "staleMs = 2_000_000",
  },
  {
    file: "actors/deliveries/delivery.ts",
    tests: claim.tests,
    name: "lost-deliveries-never-die",
    find: "maxUnknowns = 3",
    replace: "maxUnknowns = 30",
  },
  { ...signature, name: "signature-without-the-body", find: `.update(body).digest("hex")`, replace: `.digest("hex")` },
  { ...signature, name: "signature-of-another-version", find: "`v1,", replace: "`v2," },
  {
    ...signature,
    name: "signature-under-the-wrong-key",
    find: `Buffer.from(text, "base64")`,
    replace: `Buffer.from(text, "utf8")`,
  },
]
