// A right that ends by one process is withdrawn by another one within a second, on sockets and on streams.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { aClub, aMember, type Club } from "#test/harness/club/club.ts"
import { aChildLink, aFacility } from "#test/harness/club/factories.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { rootKey, type System, startSystem } from "#test/harness/setup/system.ts"
import { connectLive, type LiveStanding } from "#web/live/client.ts"

let database: TestDatabase
let club: Club
/** The rights change at the first one. The second one has the sockets, and no actor but its broadcaster. */
let systems: readonly System[]

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  const { url } = database
  systems = await Promise.all([startSystem({ url }), startSystem({ url, role: "server" })])
}, 60_000)
afterAll(async () => {
  await Promise.all(systems.map((system) => system.end("SIGKILL")))
  await database.drop()
})

/** Somebody with a right, and the request by which it ends. */
interface Ending {
  readonly token: string
  readonly channel: string
  readonly code: number
  readonly end: () => Promise<unknown>
}

const endings: Readonly<Record<string, () => Promise<Ending>>> = {
  role: async () => {
    const staff = await aMember(database.db, "staff", club.id)
    const role = `role=staff&scopeType=facility&scopeId=${club.id}`
    return {
      ...{ token: staff.token, channel: `facility:${club.id}:bookings`, code: 4403 },
      end: () => call("DELETE", `/v1/users/${staff.id}/roles?${role}`),
    }
  },
  key: async () => {
    const wanted = { name: "Till at the bar", role: "staff" }
    const { id, key } = (await call("POST", `/v1/facilities/${club.id}/api-keys`, wanted, club.admin.token)) as Made
    return {
      ...{ token: key, channel: `facility:${club.id}:bookings`, code: 4401 },
      end: () => call("DELETE", `/v1/facilities/${club.id}/api-keys/${id}`),
    }
  },
  link: async () => {
    // The role elsewhere gives nothing here.
    const elsewhere = (await aFacility(database.db)).id
    const [parent, other] = await Promise.all([1, 2].map(() => aMember(database.db, "player", elsewhere)))
    if (!parent || !other) throw new Error("two people were made")
    const child = club.player.id
    // A child without a password keeps one of two parents.
    for (const each of [other, parent])
      await aChildLink(database.db, { parent: each.id, child, permissions: ["book"] }, { isPrimary: false })
    return {
      ...{ token: parent.token, channel: `user:${child}:bookings`, code: 4403 },
      end: () => call("DELETE", `/v1/users/${parent.id}/children/${child}`, undefined, club.player.token),
    }
  },
  session: async () => {
    const player = await aMember(database.db, "player", club.id)
    return {
      ...{ token: player.token, channel: `user:${player.id}:bookings`, code: 4401 },
      end: () => call("DELETE", "/v1/sessions", undefined, player.token),
    }
  },
}

test.each(Object.keys(endings))("the end of a %s", async (right) => {
  const { token, channel, code, end } = await (endings[right] as () => Promise<Ending>)()
  const listeners = await Promise.all((["websocket", "sse"] as const).map((by) => listening(by, token, channel)))
  const since = performance.now()
  await end()
  await eventually(() => expect(listeners.map(({ closedWith }) => closedWith()?.code)).toEqual([code, code]))
  const slowest = Math.max(...listeners.map(({ closedWith }) => closedWith()?.at ?? Number.NaN)) - since
  if (process.env.SHOW_TIMES) console.log(`${right}: withdrawn after ${Math.round(slowest)} ms`)
  expect(slowest).toBeLessThan(1_000)
  for (const { close } of listeners) close()
})

interface Made {
  readonly id: string
  readonly key: string
}

async function listening(transport: "websocket" | "sse", token: string, channel: string) {
  let closed: { readonly code: number | undefined; readonly at: number } | undefined
  let isFollowed = false
  const client = connectLive({
    url: systems[1]?.address ?? "",
    transport,
    token: () => token,
    onState: (state, { code }: LiveStanding) => {
      if (isFollowed && state !== "live" && code !== undefined) closed ??= { code, at: performance.now() }
    },
  })
  client.subscribe(channel, { onEvent: () => {}, onRefused: (refusal) => expect(refusal).toBe("") })
  await eventually(() => expect(client.state).toBe("live"))
  isFollowed = true
  return { closedWith: () => closed, close: client.close }
}

async function call(method: string, path: string, body?: object, token = rootKey): Promise<unknown> {
  const answer = await fetch(`${systems[0]?.address}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.status === 204 ? undefined : answer.json()
}
