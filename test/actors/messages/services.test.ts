// Texts and push messages through the sender, over real HTTP. Processes are killed between any two steps. Services
// answer nonsense, limit, fail or hang. Addresses change while a message waits.

import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import type { Channel } from "#outbound/messages/channels/channel.ts"
import { aFacility, aPerson, type FacilityRow, type PersonRow } from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { browserOf, smsAt, textsTo } from "#test/harness/outbound/readers.ts"
import { type PushService, startPushService, type TakenPush } from "#test/harness/outside/push-service.ts"
import { type TestApp, testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let service: PushService
let answer: (taken: TakenPush) => Response | Promise<Response>
let app: TestApp
let facility: FacilityRow
let mia: PersonRow

const number = "+4915112345678"
const other = "+4915187654321"

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  service = startPushService((taken) => answer(taken))
  app = testApp(db, { sms: smsAt(service.url), egressAllow: ["127.0.0.0/8"] })
  facility = await aFacility(db)
  mia = await aPerson(db)
})
afterEach(async () => {
  await service.stop()
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

const kinds = {
  sms: {
    taken: () => Response.json({ sid: "SM1", status: "queued" }, { status: 201 }),
    nonsense: () => new Response("OK"),
    reader: () => textsTo(app, mia, number),
  },
  push: {
    taken: () => new Response(null, { status: 201 }),
    nonsense: () => new Response("<html>", { status: 502 }),
    reader: () => browserOf(app, mia, `${service.url}/send/${newId()}`),
  },
} as const

describe.each(["sms", "push"] as const)("%s", (name) => {
  const { taken, nonsense, reader } = kinds[name]
  let channel: Channel

  beforeEach(async () => {
    answer = taken
    await reader()
    channel = app.channels.find((each) => each.name === name) as Channel
  })

  const opened = (given: Parameters<typeof postOffice>[1] = {}, its = channel) =>
    postOffice({ ...app, channels: [its] }, given)

  test.each([
    ["before the message leaves", 1, async () => {}],
    ["after the service has taken it", 2, (message, signal) => channel.send(message, signal)],
  ] as readonly (readonly [string, number, Channel["send"]])[])(
    "a process that is killed %s leaves it to another, and a possible repeat is counted",
    async (_, arrived, before) => {
      const reached = Promise.withResolvers<void>()
      const dying = await opened(
        {},
        {
          ...channel,
          async send(message, signal) {
            await before(message, signal)
            reached.resolve()
            return new Promise(() => {})
          },
        },
      )
      const event = confirmed()
      await dying.record(event)
      void dying.send()
      await reached.promise
      expect(await stateOf(event, name)).toBe("sending 1 0")
      await dying.die()
      await (await opened()).send()
      expect(await stateOf(event, name)).toBe("sent 2 1")
      expect(service.taken).toHaveLength(arrived)
    },
  )

  test("a process that is killed after the settlement has sent it once", async () => {
    const dying = await opened()
    const event = confirmed()
    await dying.tell(event)
    await dying.die()
    await (await opened()).send()
    expect(await stateOf(event, name)).toBe("sent 1 0")
    expect(service.taken).toHaveLength(1)
  })

  test("two processes send a hundred messages, each once, and none of another facility waits", async () => {
    const second = await aFacility(db)
    const offices = [await opened(), await opened()]
    const events = Array.from({ length: 100 }, (_, nth) => confirmed(nth === 99 ? second.id : facility.id))
    for (let from = 0; from < 100; from += 20) await offices[0]?.record(...events.slice(from, from + 20))
    for (let nth = 0; nth < 40; nth++) {
      await Promise.all(offices.map((office) => office.send()))
      await laterMs(1_500)
    }
    expect(
      new Set(await Promise.all(events.map((event) => stateOf(event, name, "status || ' ' || unknown_outcomes")))),
    ).toEqual(new Set(["sent 0"]))
    expect(service.taken).toHaveLength(100)
  })

  test("a service that hangs is waited for until the process stops, and the outcome is unknown", async () => {
    const asked = Promise.withResolvers<void>()
    answer = () => {
      asked.resolve()
      return new Promise(() => {})
    }
    const stopping = await opened({ graceMs: 1 })
    const event = confirmed()
    await stopping.record(event)
    void stopping.send()
    await asked.promise
    await stopping.actor.drain?.()
    expect(await stateOf(event, name)).toBe("sending 1 0")
    answer = taken
    const office = await opened()
    await office.send()
    expect(service.taken).toHaveLength(1)
    await laterMs(61_000)
    await office.send()
    expect(await stateOf(event, name)).toBe("sent 2 1")
  })

  test("a limit is kept to the second, whatever the jitter is", async () => {
    answer = () => new Response(null, { status: 429, headers: { "retry-after": "120" } })
    const office = await opened({ random: 0 })
    const event = confirmed()
    await office.tell(event)
    expect(await stateOf(event, name)).toBe("deferred 1 0")
    answer = taken
    await laterMs(119_000)
    await office.send()
    expect(service.taken).toHaveLength(1)
    await laterMs(2_000)
    await office.send()
    // Of a held channel the message waits up to ten seconds more.
    await laterMs(10_000)
    await office.send()
    expect(await stateOf(event, name)).toBe("sent 2 0")
  })

  test.each(["500", "nonsense"])("after five answers of %s it is given up, and reprocessing sends it", async (what) => {
    answer = () => (what === "500" ? new Response("broken", { status: 500 }) : nonsense())
    const office = await opened()
    const event = confirmed()
    await office.tell(event)
    for (let nth = 0; nth < 60 && (await stateOf(event, name)).startsWith("sending"); nth++) {
      await laterMs(20 * 60_000)
      await office.send()
    }
    expect(await stateOf(event, name)).toBe("failed 5 5")
    expect(await letterOf(event)).toContain("See to what the answer names")
    answer = taken
    for (let nth = 0; nth < 3; nth++) {
      await office.tell(event)
      await laterMs(20 * 60_000)
    }
    // The five that may have arrived are still counted.
    expect(await stateOf(event, name)).toBe("sent 6 5")
    expect(service.taken).toHaveLength(6)
  })

  test("a failure before the message leaves makes no unknown outcome", async () => {
    const wordless = {
      get body(): string {
        throw new Error("no words")
      },
    }
    const send: Channel["send"] = (message, signal) =>
      channel.send(Object.defineProperties({ ...message }, Object.getOwnPropertyDescriptors(wordless)), signal)
    const office = await opened({}, { ...channel, send })
    const event = confirmed()
    await office.tell(event)
    expect(await stateOf(event, name, "status || ' ' || reason")).toBe("deferred no words")
    await laterMs(2_000)
    await (await opened()).send()
    expect(await stateOf(event, name)).toBe("sent 2 0")
    expect(service.taken).toHaveLength(1)
  })
})

test("a text goes to the number that the person has when it leaves, and to none that was given up", async () => {
  answer = kinds.sms.taken
  await textsTo(app, mia, number)
  const office = await postOffice({ ...app, channels: app.channels.filter(({ name }) => name === "sms") })
  const [moved, gone] = [confirmed(), confirmed()]
  await office.record(moved)
  await textsTo(app, mia, other)
  await office.send()
  expect(service.taken.map(({ body }) => new URLSearchParams(Buffer.from(body).toString()).get("To"))).toEqual([other])
  await office.record(gone)
  await db`delete from slotbase.phones where user_id = ${mia.id}`
  await office.send()
  expect(service.taken).toHaveLength(1)
  expect(await stateOf(gone, "sms", "status || ': ' || reason")).toBe("skipped: no verified phone number")
})

test.each([404, 410])(
  "a browser whose subscription has ended (%i) is told nothing more, and another browser is",
  async (status) => {
    const ended = await browserOf(app, mia, `${service.url}/ended`)
    await browserOf(app, mia, `${service.url}/there`)
    answer = ({ path }) => new Response(null, { status: path === "/ended" ? status : 201 })
    const office = await postOffice({ ...app, channels: app.channels.filter(({ name }) => name === "push") })
    const [first, second] = [confirmed(), confirmed()]
    // Recorded while both were there.
    await office.record(first, second)
    for (let nth = 0; nth < 3; nth++) {
      await office.send()
      await laterMs(2_000)
    }
    expect((await db`select from slotbase.push_subscriptions where id = ${ended.id}`).length).toBe(0)
    for (const event of [first, second]) {
      const rows =
        await db`select status from slotbase.notifications where event_id = ${event.id} and channel = 'push' order by 1`
      expect(rows.map((row) => row.status)).toEqual(["refused", "sent"])
    }
    await office.tell(confirmed())
    expect(service.taken.filter(({ path }) => path === "/ended").length).toBeLessThanOrEqual(2)
  },
)

/** Only the booker is told. */
const confirmed = (facilityId = facility.id): HandledEvent =>
  notifiedEvent(facilityId, "booking.confirmed", { bookingId: newId(), bookerId: mia.id, participants: [] })

/** By default status, attempts and unknown outcomes of the event's message. */
async function stateOf(
  event: HandledEvent,
  channel: string,
  what = "status || ' ' || attempts || ' ' || unknown_outcomes",
) {
  const [row] = await db`
    select ${db.unsafe(what)} as state from slotbase.notifications where event_id = ${event.id} and channel = ${channel}`
  return row?.state as string
}

async function letterOf(event: HandledEvent): Promise<string> {
  const [row] = await db<{ message: string }[]>`
    select errors -> -1 -> 'error' ->> 'message' as message from slotbase.dead_letters where event_id = ${event.id}`
  return row?.message ?? ""
}

async function laterMs(ms: number): Promise<void> {
  await db`select slotbase.move_clock(${ms}::float8 * interval '1 ms')`
  await clock.follow(db)
}
