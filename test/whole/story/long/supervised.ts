/** The whole program, with its own PostgreSQL, on bad days: its parts die, its disk is full. It heals by itself. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmod, mkdtemp, readFile, rename, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, type Db } from "#base/database/db.ts"
import { embeddedUrl } from "#base/database/embedded/start.ts"
import { type Answer, type Client, clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type SmallVolume, smallVolume } from "#test/harness/setup/small-volume.ts"
import { type System, startSystem } from "#test/harness/setup/system.ts"

/** PostgreSQL makes a cluster of 40 MB, and SlotBase's schema and log take 40 more. */
const volumeMegabytes = 160
/** The promise of docs/operating.md. */
const wellWithinMs = 10_000
const volume: SmallVolume | undefined = await smallVolume(volumeMegabytes)
let dataDir: string
let system: System
let receiver: Receiver
let club: Awaited<ReturnType<typeof makeClub>>
let client: Client
let db: Db
let hour = 0
const booked: string[] = []

beforeAll(async () => {
  dataDir = volume?.path ?? (await mkdtemp(join(tmpdir(), "slotbase-supervised-")))
  await chmod(dataDir, 0o755)
  receiver = startReceiver()
  const env = { DATABASE_URL: "", SLOTBASE_DATA_DIR: dataDir, SLOTBASE_DEMO: "off", SLOTBASE_SECRET_KEY: "" }
  system = await startSystem({ url: "", env })
  client = clientOf(system.address)
  club = await makeClub(client, { courts: 1 })
  const webhook = { name: "all", url: receiver.url, authType: "none", events: ["booking.confirmed"] }
  await client.post(`${club.at}/webhooks`, webhook)
  db = connect((await embeddedUrl(dataDir)) ?? "", { max: 2, applicationName: "slotbase test" })
}, 60_000)

afterAll(async () => {
  await db.end()
  await receiver.stop()
  await system.end("SIGKILL")
  await volume?.remove()
  await rm(dataDir, { recursive: true, force: true })
})

test("its parts are killed one after the other and together, and each time a booking reaches its webhook within ten seconds", async () => {
  const deaths: readonly (() => Promise<unknown>)[] = [
    async () => process.kill(await postmaster(), "SIGKILL"),
    () => terminate("slotbase pg-boss"),
    () => terminate("% listen"),
    () => terminate("slotbase all%"),
    async () => {
      await terminate("%")
      process.kill(await postmaster(), "SIGKILL")
    },
  ]
  for (const die of deaths) {
    await bookOne()
    await die().catch(() => {})
    await eventually(() => bookOne(), { withinMs: wellWithinMs })
    await eventually(delivered, { withinMs: wellWithinMs })
    await eventually(async () => expect((await client.get("/readyz")).status).toBe(200), { withinMs: wellWithinMs })
  }
  expect(await bookingsKept()).toEqual(booked.toSorted())
  const { body } = await client.get<{ parts: { part: string; state: string; restarts: number }[] }>("/readyz")
  expect(body.parts.filter(({ state }) => state === "ill")).toEqual([])
  expect(body.parts.find(({ part }) => part === "database")?.restarts).toBe(2)
  const metrics = await fetch(`${system.address}/metrics`).then((answer) => answer.text())
  expect(metrics).toContain('slotbase_restarts_total{part="database"} 2')
}, 120_000)

const means = volume ? "its volume is filled up" : "a trigger says so: this user may not mount a volume"

test(`a full disk is a 503 with its cause, ready again by itself, and nothing is lost (${means})`, async () => {
  await makeFull()
  const refused = await bookUntilRefused()
  expect(refused.body).toEqual({
    type: "urn:slotbase:problem:storage_full",
    title: "Unavailable",
    status: 503,
    detail: "The disk of the database is full. Nothing of the request was kept; ask again in a moment.",
    code: "storage_full",
  })
  expect(refused.headers.get("retry-after")).toBe("10")
  expect(await client.get("/readyz")).toMatchObject({
    status: 503,
    body: { code: "not_ready", reasons: ["The disk of the database is full."] },
  })
  // Reading goes on.
  expect((await client.get(`${club.at}/bookings`)).status).toBe(200)
  expect(system.output().match(/"part":"database writes","reason":"The disk of the database is full."/g)).toHaveLength(
    1,
  )

  await makeRoom()
  await eventually(async () => expect((await client.get("/readyz")).status).toBe(200), { withinMs: wellWithinMs })
  await bookOne()
  await eventually(delivered, { withinMs: wellWithinMs })
}, 60_000)

if (volume) {
  test("a PostgreSQL that dies on a full disk waits for room, and then runs again with everything", async () => {
    volume.fill()
    process.kill(await postmaster(), "SIGKILL")
    await eventually(
      async () =>
        expect(await client.get("/readyz")).toMatchObject({
          status: 503,
          body: { reasons: ["The disk of the database is full."] },
        }),
      { withinMs: wellWithinMs },
    )
    await volume.makeRoom()
    await eventually(() => bookOne(), { withinMs: wellWithinMs })
    await eventually(delivered, { withinMs: wellWithinMs })
    expect(await bookingsKept()).toEqual(booked.toSorted())
  }, 60_000)
}

test("a closed log is no reason to end", async () => {
  const other = await testDatabase()
  const silent = await startSystem({ url: other.url, closedLog: true })
  try {
    // Each part that loses its connection writes a line.
    await other.db`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
    const away = clientOf(silent.address)
    await eventually(async () => expect((await away.get("/readyz")).status).toBe(200), { withinMs: wellWithinMs })
    expect(await silent.end("SIGTERM")).toBe(0)
  } finally {
    await silent.end("SIGKILL")
    await other.drop()
  }
}, 60_000)

test("without its files it ends non-zero within seconds, with one clear line", async () => {
  const cluster = join(dataDir, "postgres")
  await rename(cluster, `${cluster}.gone`)
  const began = performance.now()
  expect(await system.exited).toBe(1)
  expect(performance.now() - began).toBeLessThan(wellWithinMs)
  expect(
    system
      .output()
      .split("\n")
      .filter((line) => line.includes("are gone; bring them back")),
  ).toHaveLength(1)
}, 30_000)

const slot = (nth: number) => ({
  resourceId: club.resourceIds[0],
  bookerId: club.bookerId,
  paymentMethod: "offline",
  ...atHour(nth),
})

/** Books the next hour, or fails. */
async function bookOne(): Promise<void> {
  const answer = await client.post<{ id: string }>(`${club.at}/bookings`, slot(hour + 1))
  // An earlier request, whose answer was lost, may have been carried out.
  if (answer.status === 409) hour++
  expect(answer.status).toBe(201)
  hour++
  booked.push(answer.body.id)
}

/** The pages of the tables that have room take a few more bookings. */
async function bookUntilRefused(): Promise<Answer> {
  for (;;) {
    const answer = await client.post<{ id: string }>(`${club.at}/bookings`, slot(hour + 1))
    if (answer.status !== 201) return answer
    hour++
    booked.push(answer.body.id)
  }
}

function delivered(): void {
  const ids = new Set(
    receiver.received.map(({ body }) => (JSON.parse(body) as { data: { bookingId: string } }).data.bookingId),
  )
  expect(booked.filter((id) => !ids.has(id))).toEqual([])
}

async function bookingsKept(): Promise<string[]> {
  const rows = await eventually(
    () => db<{ id: string }[]>`select id from slotbase.bookings where id = any (${booked}::uuid[])`,
  )
  return rows.map(({ id }) => id).sort()
}

const terminate = (name: string) => db`
  select pg_terminate_backend(pid) from pg_stat_activity where application_name like ${name} and pid <> pg_backend_pid()`

async function postmaster(): Promise<number> {
  return Number((await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n")[0])
}

async function makeFull(): Promise<void> {
  if (volume) return volume.fill()
  const full = "$$ begin raise exception using errcode = '53100', message = 'could not extend file'; end $$"
  await db.unsafe(`
    create function public.full_disk() returns trigger language plpgsql as ${full};
    create trigger full_disk before insert on slotbase.bookings execute function public.full_disk();
    create function public.no_new_table() returns event_trigger language plpgsql as ${full};
    create event trigger full_disk on ddl_command_start when tag in ('CREATE TABLE')
      execute function public.no_new_table()`)
}

async function makeRoom(): Promise<void> {
  if (volume) return volume.makeRoom()
  await db.unsafe("drop function public.no_new_table cascade; drop function public.full_disk cascade")
}
