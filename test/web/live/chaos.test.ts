// Watchers on three server processes behind a load balancer, while processes are killed and frozen, database
// connections are ended and sockets are cut, under load. In the end every watcher shows what the database has, and was
// told every booking once and in order. The long form: SLOTBASE_LIVE_CHAOS_SECONDS=120 SLOTBASE_LIVE_CHAOS_CLIENTS=500

import { expect, test } from "bun:test"
import { connectHints } from "#base/hints.ts"
import { changeSettings } from "#domain/club/facilities.ts"
import { aClub, aMember, run } from "#test/harness/club/club.ts"
import { dayOf } from "#test/harness/club/hours.ts"
import { startBalancer } from "#test/harness/outside/balancer.ts"
import { playFaults, startLoad } from "#test/harness/pipeline/live-faults.ts"
import { readDay, type Watcher, watch } from "#test/harness/pipeline/live-watchers.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort, type System, startSystem } from "#test/harness/setup/system.ts"

const seconds = Number(process.env.SLOTBASE_LIVE_CHAOS_SECONDS ?? 3)
const clients = Number(process.env.SLOTBASE_LIVE_CHAOS_CLIENTS ?? 30)
const isLong = seconds > 10
/** The limit of one person. */
const socketsOfPerson = 20
/** A guest, and a stream, among so many watchers. */
const everyGuest = 5
const everyStream = 4
const hours = { first: 1, last: 20 }

test(
  "whatever is killed, frozen or cut, every watcher ends with what the database has, and heard every booking once",
  async () => {
    const database = await testDatabase()
    const ends: (() => unknown)[] = [() => database.drop()]
    try {
      await campaign(database, (end) => ends.push(end))
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
  seconds * 1_000 + 300_000,
)

async function campaign(database: TestDatabase, atEnd: (end: () => unknown) => void): Promise<void> {
  const { db } = database
  const club = await aClub(db)
  await run(db, (tx) => changeSettings(tx, club.admin.caller, club.id, { publicAvailability: true }))
  atEnd(await connectHints(db))
  const ports = [await freePort(), await freePort(), await freePort()]
  const start = (port: number) =>
    startSystem({ url: database.url, role: "server", port, env: { SLOTBASE_DB_POOL: "4" } })
  const servers: (System | undefined)[] = await Promise.all(ports.map(start))
  atEnd(() => Promise.all(servers.map((server) => server?.end("SIGKILL"))))
  const balancer = await startBalancer(ports, Math.random)
  atEnd(balancer.stop)

  const people = await Promise.all(
    Array.from({ length: Math.ceil(clients / socketsOfPerson) }, () => aMember(db, "staff", club.id)),
  )
  const day = { facilityId: club.id, date: dayOf(hours.first) }
  const endOfLog = async () =>
    Number((await db`select max(position) as last from slotbase.event_positions`)[0]?.last ?? 0)
  const watchers = Array.from({ length: clients }, (_, n): Watcher => {
    const token = n % everyGuest === 0 ? undefined : people[Math.floor(n / socketsOfPerson)]?.token
    const transport = n % everyStream === 0 ? "sse" : "websocket"
    return watch({ url: balancer.url, token, transport, day, endOfLog })
  })
  atEnd(() => watchers.map(({ client }) => client.close()))
  await eventually(() => expect(watchers.filter(({ client }) => client.state !== "live")).toEqual([]), longWait)

  const load = startLoad(club, db, hours)
  const happened = await playFaults({
    ...{ db, balancer, servers },
    restart: (nth) => start(ports[nth] ?? 0),
    times: { campaignMs: seconds * 1_000, apartMs: isLong ? 1_000 : 400, frozenMs: isLong ? 3_000 : 500 },
    random: isLong ? Math.random : undefined,
  })
  const changes = await load.stop()
  await eventually(() => expect(servers.every((server) => server !== undefined)).toBe(true), longWait)
  await dispatchAll(db)

  // The network is well again: whoever waits for a later attempt makes it now.
  for (const { client } of watchers) if (client.state === "waiting") client.reconnect()
  const upTo = await endOfLog()
  const rows = await db<{ position: number }[]>`
    select position from slotbase.event_positions where facility_id = ${club.id} and type like 'booking.%' order by position`
  const positions = rows.map(({ position }) => position)
  const { slots } = await readDay(balancer.url, people[0]?.token, day)
  expect(Object.keys(slots)).toHaveLength(2)
  const wrong = () =>
    watchers.flatMap((watcher, n) => {
      const differs = Object.keys(slots).filter((id) => watcher.slots()[id] !== slots[id])
      const faults = watcher.faults(positions, upTo)
      if (differs.length === 0 && faults.length === 0) return []
      return [{ n, state: watcher.client.state, standing: watcher.standing(), differs, faults }]
    })
  await eventually(() => expect(wrong()).toEqual([]), longWait)
  expect(changes).toBeGreaterThan(seconds)
  const snapshots = watchers.reduce((sum, watcher) => sum + watcher.snapshots(), 0)
  if (isLong)
    console.log(JSON.stringify({ seconds, clients, changes, events: positions.length, snapshots, ...happened }))
}

const longWait = { withinMs: 90_000 }
