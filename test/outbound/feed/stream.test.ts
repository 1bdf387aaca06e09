// The feed of events by Server-Sent Events: from any kept place on, without a hole, and only for those who may read it.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { EventSource } from "eventsource"
import { hintHere } from "#base/hints.ts"
import { record } from "#events/outbox.ts"
import { eventRoutes } from "#outbound/feed/routes/events.ts"
import { eventStreamRoutes } from "#outbound/feed/routes/stream.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let club: Club
let other: Club
let server: ReturnType<typeof serve>
const ends: (() => void)[] = []

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  other = await aClub(database.db)
  server = serve()
})
afterEach(() => {
  for (const end of ends.splice(0)) end()
})
afterAll(async () => {
  await server.stop(true)
  await database.drop()
})

test("a script that begins at the beginning gets every kept event in pages, and then the new ones", async () => {
  await checkIns(club, 250)
  await checkIns(other, 3)
  const heard = open(`?after=0`)
  await eventually(() => expect(heard.events).toHaveLength(250))
  await checkIns(other, 1)
  await checkIns(club, 2)
  await eventually(() => expect(heard.events).toHaveLength(252))
  const positions = heard.events.map(({ position }) => Number(position))
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  expect(new Set(positions).size).toBe(252)
  expect(new Set(heard.events.map(({ facilityId }) => facilityId))).toEqual(new Set([club.id]))
  expect(heard.ids.at(-1)).toBe(`${positions.at(-1)}-${await epoch()}`)
})

test("without a place it begins now, and types narrow it", async () => {
  const heard = open("?types=booking.no_show")
  await eventually(() => expect(heard.places).toHaveLength(1))
  await checkIns(club, 1)
  hintHere("log")
  expect(heard.events).toEqual([])
})

test("Last-Event-ID goes on behind the last event, over a restart", async () => {
  const heard = open("")
  await eventually(() => expect(heard.places).toHaveLength(1))
  await checkIns(club, 2)
  await eventually(() => expect(heard.events).toHaveLength(2))
  const port = server.server?.port ?? 0
  await server.stop(true)
  await checkIns(club, 2)
  server = serve(port)
  await eventually(() => expect(heard.events).toHaveLength(4), { withinMs: 15_000 })
  const positions = heard.events.map(({ position }) => Number(position))
  expect(positions).toEqual([0, 1, 2, 3].map((n) => (positions[0] ?? 0) + n))
}, 20_000)

test("a place of another log, or one that is not kept, is refused with resync", async () => {
  const asked = async (after: string, path = "/events/stream") => {
    const answer = await fetch(address(`${path}?after=${after}`), { headers: bearer(club.staff.token) })
    if (answer.status !== 200) return [answer.status, ((await answer.json()) as { code: string }).code]
    await answer.body?.cancel()
    return [answer.status, undefined]
  }
  for (const path of ["/events/stream", "/events"]) {
    expect(await asked(`5-${"0".repeat(16)}`, path)).toEqual([409, "resync"])
    expect(await asked("999999", path)).toEqual([409, "resync"])
    expect(await asked(`5-${await epoch()}`, path)).toEqual([200, undefined])
    expect(await asked("five", path)).toEqual([422, "invalid_input"])
  }
  await database.db`delete from slotbase.event_positions where position <= 3`
  for (const path of ["/events/stream", "/events"]) {
    expect(await asked("2", path)).toEqual([409, "resync"])
    expect(await asked("3", path)).toEqual([200, undefined])
    expect(await asked("0", path)).toEqual([200, undefined])
  }
})

test("only staff follow a facility, and nothing leaves after the role has ended", async () => {
  const status = async (token: string) => {
    const answer = await fetch(address("/events/stream"), { headers: bearer(token) })
    await answer.body?.cancel()
    return answer.status
  }
  expect([await status(club.player.token), await status(other.staff.token), await status("sbs_x")]).toEqual([
    403, 404, 401,
  ])
  const heard = open("", club.admin.token)
  await eventually(() => expect(heard.places).toHaveLength(1))
  await database.db`delete from slotbase.role_grants where user_id = ${club.admin.id}`
  await checkIns(club, 1)
  hintHere("log")
  await eventually(() => expect(heard.source.readyState).toBe(EventSource.CLOSED), { withinMs: 10_000 })
  expect(heard.events).toEqual([])
}, 15_000)

test("a person follows so many feeds at once, and one that ends makes room", async () => {
  const leaving = new AbortController()
  const asked = () => fetch(address("/events/stream"), { headers: bearer(club.staff.token), signal: leaving.signal })
  const open = await Promise.all(Array.from({ length: 20 }, asked))
  expect(open.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const tooMany = await fetch(address("/events/stream"), { headers: bearer(club.staff.token) })
  expect([tooMany.status, tooMany.headers.get("retry-after")]).toEqual([429, "30"])
  leaving.abort()
  await eventually(async () => {
    const again = await fetch(address("/events/stream"), { headers: bearer(club.staff.token) })
    await again.body?.cancel()
    expect(again.status).toBe(200)
  })
})

interface Heard {
  readonly position: string
  readonly facilityId: string
}

function open(query: string, token = club.staff.token) {
  const source = new EventSource(address(`/events/stream${query}`), {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...bearer(token) } }),
  })
  ends.push(() => source.close())
  const events: Heard[] = []
  const ids: string[] = []
  const places: string[] = []
  source.onmessage = ({ data, lastEventId }) => {
    events.push(JSON.parse(data) as Heard)
    ids.push(lastEventId)
  }
  source.addEventListener("position", ({ lastEventId }) => places.push(lastEventId))
  return { source, events, ids, places }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const address = (path: string) => `http://127.0.0.1:${server.server?.port}/v1/facilities/${club.id}${path}`

function serve(port = 0) {
  const app = testApp(database.db)
  return new Elysia().use(eventStreamRoutes(app)).use(eventRoutes(app)).listen({ port, hostname: "127.0.0.1" })
}

async function epoch(): Promise<string> {
  const [row] = await database.db<[{ epoch: string }]>`select slotbase.log_epoch() as epoch`
  return row.epoch
}

async function checkIns(at: Club, count: number): Promise<void> {
  await run(database.db, async (tx) => {
    for (let each = 0; each < count; each++) record(tx, aCheckIn(at))
  })
  await dispatchAll(database.db)
}
