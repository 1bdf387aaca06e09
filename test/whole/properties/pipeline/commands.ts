// The commands of the property with their weights. After each command the tables are compared with the model.

import fc from "fast-check"
import { reprocessOne, retryOne } from "./again.ts"
import type { Model } from "./model.ts"
import { recordEvents, recordFromSql } from "./record.ts"
import { storm } from "./storm.ts"
import { changeWish, makeWebhook, pauseWebhook, subscribeHandlers } from "./subscriptions.ts"
import { answers, batch, batches, either, event, events, handler, steps, subscribers, wish } from "./values.ts"
import type { Process, World } from "./world.ts"

type Command = fc.AsyncCommand<Model, World>

const { boolean, constant, constantFrom, nat, record } = fc

/** Each open transaction and each crashed process holds a connection. */
const maxOpen = 4
const maxDead = 8
const maxWebhooks = 6
const wishes = record({ nth: nat(), next: wish })
const changes = record({
  nth: nat(),
  next: fc.oneof(wish, wish, constant("deleted" as const)),
  batch,
  commits: boolean(),
})

/** Each command occurs in proportion to its weight. */
export const commands: fc.Arbitrary<Command>[] = [
  ...command(5, "record", record({ at: either, events }), (world, { at, events }) =>
    recordEvents(world, at, events, true),
  ),
  ...command(1, "roll back", record({ at: either, events }), (world, { at, events }) =>
    recordEvents(world, at, events, false),
  ),
  ...command(
    2,
    "record at psql",
    record({ at: either, event, bad: boolean() }),
    (world, { at, event, bad }) => recordFromSql(world, at, event, bad),
    ({ under }) => under.open < maxOpen,
  ),
  ...command(
    2,
    "end at psql",
    record({ nth: nat(), commits: boolean() }),
    async (world, { nth, commits }) => world.open.splice(nth % world.open.length, 1)[0]?.end(commits),
    ({ under }) => under.open > 0,
  ),
  ...command(5, "dispatch", batch, (world, size) => world.dispatch(size)),

  ...command(1, "subscribe", subscribers, subscribeHandlers),
  ...command(
    1,
    "make a webhook",
    record({ at: either, wish, retries: nat(2), paused: boolean() }),
    (world, { at, wish, retries, paused }) => makeWebhook(world, at, wish, retries, paused),
    ({ webhooks }) => webhooks.length < maxWebhooks,
  ),
  ...command(1, "change a webhook", wishes, (world, { nth, next }) => changeWish(world, nth, next)),
  ...command(2, "dispatch while a webhook is changed", changes, (world, given) =>
    changeWish(world, given.nth, given.next, given),
  ),
  ...command(1, "delete a webhook", nat(), (world, nth) => changeWish(world, nth, "deleted")),
  ...command(2, "pause or resume", record({ nth: nat(), active: boolean() }), (world, { nth, active }) =>
    pauseWebhook(world, nth, active),
  ),

  ...command(
    6,
    "handle",
    record({ nth: either, handler, steps, later: boolean() }),
    async (world, { nth, handler, steps, later }) => {
      if (later) await world.later()
      await world.handle(processOf(world, nth), handler, steps)
    },
  ),
  ...command(
    6,
    "deliver",
    record({ nth: either, answers, later: boolean() }),
    async (world, { nth, answers, later }) => {
      if (later) await world.later()
      await world.deliver(processOf(world, nth), answers)
    },
  ),
  ...command(3, "storm", record({ at: either, events, batches, handler, steps, answers }), storm),
  ...command(3, "time passes", constantFrom(400, 1_100, 5_000, 30_000), (world, ms) =>
    world.setting.time.move(world.db, ms),
  ),
  ...command(
    2,
    "answer what is held",
    constantFrom(200, 500),
    async (world, status) => world.setting.receiver.release(status),
    ({ under }) => under.held > 0,
  ),
  ...command(
    2,
    "wake",
    either,
    (world, nth) => world.wake(processOf(world, nth)),
    ({ under }) => under.frozen > 0,
  ),

  ...command(
    2,
    "kill",
    either,
    (world, nth) => world.kill(processOf(world, nth)),
    ({ under }) => under.frozen + under.held > 0,
  ),
  ...command(
    2,
    "kill whoever handles",
    record({ handler, times: nat(6) }),
    async (world, { handler, times }) => {
      for (let nth = 0; nth < times; nth++) {
        await world.later()
        await world.handle(processOf(world, 0), handler, ["freeze"])
        await world.kill(processOf(world, 0))
      }
    },
    ({ under }) => under.dead < maxDead,
  ),
  ...command(2, "kill whoever delivers", nat(4), async (world, times) => {
    for (let nth = 0; nth < times; nth++) {
      await world.later()
      await world.deliver(processOf(world, 0), ["hold"])
      await world.kill(processOf(world, 0))
    }
  }),
  ...command(1, "stop", either, (world, nth) => world.stop(processOf(world, nth))),
  ...command(
    2,
    "the dead come back",
    constant(undefined),
    (world) => world.buryZombies(),
    ({ under }) => under.dead > 0,
  ),

  ...command(
    2,
    "reprocess",
    record({ nth: nat(), by: constantFrom<"api" | "sql">("api", "sql"), cures: boolean() }),
    (world, { nth, by, cures }) => reprocessOne(world, nth, by, cures),
    ({ log, refused }) => log.length + refused.length > 0,
  ),
  ...command(1, "retry a delivery", nat(), retryOne, ({ deliveries }) => deliveries.size > 0),
]

/** @param applies whether the command has anything to act on. */
function command<T>(
  weight: number,
  name: string,
  values: fc.Arbitrary<T>,
  run: (world: World, value: T) => Promise<unknown>,
  applies: (model: Readonly<Model>) => boolean = () => true,
): readonly fc.Arbitrary<Command>[] {
  const arbitrary = values.map((value) => ({
    check: applies,
    run: async (_: Model, world: World) => {
      await run(world, value)
      await world.check()
    },
    toString: () => `${name}(${JSON.stringify(value) ?? ""})`,
  }))
  return Array.from({ length: weight }, () => arbitrary)
}

const processOf = (world: World, nth: number) => world.processes[nth % world.processes.length] as Process
