/** A process is killed in the middle of a Saturday morning, and nothing is lost, doubled or out of order. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Client, clientOf, makeClub } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { expectPromisesKept, settled } from "#test/harness/promises/promises.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { startSystem } from "#test/harness/setup/system.ts"

const bookings = 2_000
const courts = 20
/** How many of the requests without an answer are repeated; some of them were booked all the same. */
const repeats = 200
/** Two thousand at once on a busy machine: some requests wait longer than their time limit. */
const maxAttempts = 5
let database: TestDatabase
let receiver: Receiver

beforeAll(async () => {
  database = await testDatabase()
  receiver = startReceiver()
})
afterAll(async () => {
  await receiver.stop()
  await database.drop()
})

test(
  "a process killed in the middle of 2,000 concurrent bookings loses nothing and doubles nothing",
  async () => {
    const first = await startSystem({ url: database.url })
    const club = await makeClub(clientOf(first.address), { courts })
    await clientOf(first.address).post(`${club.at}/webhooks`, {
      name: "all",
      url: receiver.url,
      authType: "none",
      events: ["booking.confirmed"],
    })

    const answered = new Map<number, string>()
    const work = Array.from({ length: bookings }, (_, n) =>
      book(clientOf(first.address), club, n).then((id) => id !== undefined && answered.set(n, id)),
    )
    await eventually(() => expect(answered.size).toBeGreaterThan(bookings / 4), { withinMs: 60_000 })
    expect(await first.end("SIGKILL")).toBe("SIGKILL")
    await Promise.all(work)
    expect(answered.size).toBeLessThan(bookings)

    const second = await startSystem({ url: database.url })
    const unanswered = Array.from({ length: bookings }, (_, n) => n).filter((n) => !answered.has(n))
    const repeated = unanswered.slice(0, repeats)
    await Promise.all(repeated.map((n) => book(clientOf(second.address), club, n)))
    await settled(database.db, 60_000)
    await expectPromisesKept(database.db)

    // Every answer before the kill is true, and every repeated slot is booked once.
    const rows = await database.db<{ id: string; slot: string }[]>`
      select id, resource_id || ' ' || start_at::text as slot from slotbase.bookings where status = 'confirmed'`
    const booked = new Set(rows.map((row) => row.id))
    expect([...answered.values()].filter((id) => !booked.has(id))).toEqual([])
    expect(new Set(rows.map((row) => row.slot)).size).toBe(rows.length)
    expect(rows.length).toBeGreaterThanOrEqual(answered.size + repeated.length)

    // Each booking reached the receiver. A request that arrived twice shows as an attempt with an unknown outcome.
    const counts = Map.groupBy(receiver.received, ({ headers }) => headers.get("x-slotbase-event-id"))
    const twice = [...counts.values()].filter((each) => each.length > 1).length
    const [unknown] = await database.db<{ count: number }[]>`
      select count(*) from slotbase.webhook_attempts where outcome = 'unknown'`
    expect(counts.size).toBe(rows.length)
    expect(twice).toBeLessThanOrEqual(unknown?.count ?? 0)

    expect(await second.end("SIGTERM")).toBe(0)
  },
  { timeout: 150_000 },
)

/** The id of the booking; undefined when the slot was taken or the server is gone. Repeats the request on demand. */
async function book(
  client: Client,
  club: { at: string; resourceIds: readonly string[]; bookerId: string },
  n: number,
  attempts = maxAttempts,
): Promise<string | undefined> {
  const slot = {
    resourceId: club.resourceIds[n % courts],
    bookerId: club.bookerId,
    paymentMethod: "offline",
    ...atHour(Math.floor(n / courts)),
  }
  const answer = await client.post<{ id: string }>(`${club.at}/bookings`, slot).catch(() => undefined)
  if (answer === undefined) return undefined
  if (answer.status === 503 && attempts > 1) return book(client, club, n, attempts - 1)
  if (answer.status !== 201 && answer.status !== 409) throw new Error(`booking ${n}: ${JSON.stringify(answer.body)}`)
  return answer.status === 201 ? answer.body.id : undefined
}
