/** Mutations of recording, hinting and dispatching. */
import type { Mutation } from "#scripts/mutations/mutation.ts"

const outbox = { file: "src/events/outbox.ts", tests: ["test/events/outbox.test.ts"] }
const hints = { file: "src/base/hints.ts", tests: ["test/base/hints.test.ts"] }
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
  { ...hints, name: "hints-coalesced-for-too-long", find: "coalesceMs = 10\n", replace: "coalesceMs = 10_000\n" },
  { ...hints, name: "hints-not-coalesced", find: "coalesceMs = 10\n", replace: "coalesceMs = 0\n" },
  { ...hints, name: "hints-forget-the-last", find: "if (again) send(hint)", replace: "" },
  { ...hints, name: "hints-hear-themselves", find: "if (from !== origin) wake", replace: "wake" },
  { ...hints, name: "hints-no-look-at-the-start", find: "    wakeAll, //", replace: "    () => {}, //" },
  { ...dispatcher, name: "dispatcher-sends-no-hint", find: `if (dispatched > 0) sendHint("log")`, replace: "" },
  {
    ...dispatcher,
    name: "dispatcher-hints-always",
    find: `if (dispatched > 0) sendHint("log")`,
    replace: `sendHint("log")`,
  },
  { ...dispatcher, name: "dispatcher-hears-nothing", find: `wokenBy: ["outbox"]`, replace: "wokenBy: []" },
  {
    ...dispatcher,
    name: "dispatcher-never-says-more",
    find: "more: dispatched === dispatchBatch ||",
    replace: "more: false ||",
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
    find: "first.position !== position + 1",
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
