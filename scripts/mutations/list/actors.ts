/** Mutations of what all actors share: hints, passes, supervision, life signs, retries, quarantine. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const folder = "test/actors/runtime"
const tree = { file: "actors/runtime/tree.ts", tests: [`${folder}/tree.test.ts`] }
const actor = { file: "actors/runtime/actor.ts", tests: [`${folder}/actor.test.ts`] }
const supervisor = { file: "actors/runtime/supervisor.ts", tests: [`${folder}/supervisor.test.ts`] }
const lifeSign = { file: "actors/runtime/life-sign.ts", tests: [`${folder}/life-sign.test.ts`] }
const retry = { file: "actors/runtime/retry.ts", tests: [`${folder}/retry.test.ts`] }
const memory = { file: "actors/runtime/event-memory.ts", tests: [`${folder}/event-memory.test.ts`] }
const quarantine = {
  file: "actors/runtime/quarantine.ts",
  tests: ["test/actors/deliveries/quarantine.test.ts", "test/actors/runs/run-handler.test.ts"],
}

export const actorMutations: readonly Mutation[] = [
  { ...tree, name: "gathering-never-wakes", find: "      gathering = false\n      wake()\n", replace: "" },
  { ...tree, name: "gathering-wakes-once", find: "      gathering = false\n", replace: "" },
  {
    ...actor,
    name: "actor-joins-the-pass-under-way",
    find: "if (underWay) await underWay.catch(() => {})",
    replace: "",
  },
  { ...actor, name: "actor-does-not-poll", find: "now + actor.pollEveryMs", replace: "Number.POSITIVE_INFINITY" },
  { ...actor, name: "actor-waits-for-ever", find: "once(stopping), late", replace: "once(stopping)" },
  { ...actor, name: "actor-makes-one-pass", find: "!pass.more || stopping.aborted", replace: "true" },
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
  {
    ...memory,
    name: "memory-keeps-everything",
    find: "events.size <= memoryLimits.events && memory.characters",
    replace: "memory.characters",
  },
  { ...memory, name: "memory-lets-itself-be-changed", find: "Object.freeze(event.data)", replace: "event.data" },
  { ...quarantine, name: "quarantined-runs-side-by-side", find: "  await before\n", replace: "" },
  {
    ...quarantine,
    name: "quarantined-run-beside-a-quarantined-delivery",
    find: "while (this.#send) await this.#send",
    replace: "",
  },
  {
    ...quarantine,
    name: "quarantined-deliveries-side-by-side",
    find: "if (this.#send || this.hasRun) return undefined",
    replace: "",
  },
  {
    ...quarantine,
    name: "quarantine-without-an-end",
    find: "const timer = setTimeout(end, patienceMs)",
    replace: "const timer = setTimeout(end, 500_000)",
  },
  {
    ...quarantine,
    name: "quarantined-runs-keep-deliveries-waiting",
    find: "patienceMs = 2_000",
    replace: "patienceMs = 200_000_000",
  },
]
