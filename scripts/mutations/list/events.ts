/** Mutations of recording, hinting and dispatching. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const outbox = { file: "src/events/outbox.ts", tests: ["test/events/outbox.test.ts"] }
const hints = { file: "src/base/hints.ts", tests: ["test/base/hints.test.ts"] }
const throttle = { file: "src/base/throttle.ts", tests: ["test/base/throttle.test.ts"] }
const dispatcher = { file: "actors/dispatch/dispatcher.ts", tests: ["test/actors/dispatch/dispatcher.test.ts"] }
const broadcaster = { file: "actors/live/broadcaster.ts", tests: ["test/actors/live/broadcaster.test.ts"] }

export const eventMutations: readonly Mutation[] = [
  { ...outbox, name: "outbox-sends-no-hint", find: `kept.events.length > 0) sendHint("outbox")`, replace: "false) {}" },
  { ...outbox, name: "outbox-checks-no-event", find: "checkData(event.type, event.data)", replace: "" },
  {
    ...outbox,
    name: "outbox-in-any-order",
    find: "from recorded order by id",
    replace: "from recorded order by id desc",
  },
  { ...outbox, name: "outbox-keeps-the-first-context", find: "present.context = context", replace: "" },
  {
    ...outbox,
    name: "outbox-forgets-when-it-happened",
    find: "coalesce(e.occurred_at, t.now), e.source",
    replace: "t.now, e.source",
  },
  { ...hints, name: "hints-coalesced-for-too-long", find: "apartMs = 4\n", replace: "apartMs = 10_000\n" },
  { ...hints, name: "hints-not-coalesced", find: "apartMs = 4\n", replace: "apartMs = 0\n" },
  { ...throttle, name: "hints-forget-the-last", find: "if (called) pass()", replace: "" },
  { ...hints, name: "hints-hear-themselves", find: "if (from !== hintOrigin) hint", replace: "hint" },
  { ...hints, name: "hints-no-look-at-the-start", find: "    wakeAll, //", replace: "    () => {}, //" },
  { ...dispatcher, name: "dispatcher-sends-no-hint", find: `hintHere("log")`, replace: "" },
  {
    ...dispatcher,
    name: "dispatcher-hints-always",
    find: "if (turn.dispatched > 0) {",
    replace: "{",
  },
  { ...dispatcher, name: "dispatcher-hears-nothing", find: `wokenBy: ["outbox"]`, replace: "wokenBy: []" },
  {
    ...dispatcher,
    name: "dispatcher-never-says-more",
    find: "more: turn.dispatched === dispatchBatch ||",
    replace: "more: false ||",
  },
  {
    file: "sql/0062-turn.sql",
    tests: ["test/actors/deliveries/turn-faults.test.ts"],
    name: "turn-leaves-older-deliveries-behind",
    find: "q.ready_at is null and q.waits_for is null and q.lease is null)",
    replace: "false)",
  },
  {
    file: "sql/0062-turn.sql",
    tests: ["test/actors/deliveries/turn.test.ts"],
    name: "turn-claims-for-a-changed-webhook",
    find: "known[i] = versions[nth] and",
    replace: "",
  },
  {
    file: "actors/deliveries/turn-offers.ts",
    tests: ["test/actors/deliveries/turn-faults.test.ts"],
    name: "turn-forgets-a-lost-answer",
    find: "offered.length === 0 ? [] : undefined",
    replace: "[]",
  },
  {
    file: "actors/dispatch/check-recorded-by-sql.ts",
    tests: dispatcher.tests,
    name: "dispatcher-takes-any-event-from-sql",
    find: "checkData(event.type as EventType, event.data)",
    replace: "",
  },
  {
    ...broadcaster,
    name: "broadcaster-passes-over-a-gap",
    find: "(first && first.position !== after + 1)",
    replace: "false",
  },
  {
    ...broadcaster,
    name: "broadcaster-tells-twice",
    find: "row.position > published",
    replace: "row.position >= published",
  },
  {
    ...broadcaster,
    name: "broadcaster-in-any-order",
    find: "live.advance(inOrder(slots)",
    replace: "live.advance((slots)",
  },
  { ...broadcaster, name: "broadcaster-never-says-more", find: "more: rows.length === batch", replace: "more: false" },
]
