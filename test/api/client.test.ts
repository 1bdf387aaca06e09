// The typed client. The compiler checks this file against the routes, and the calls check that the types are true.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { client } from "#api/client.ts"
import { createServer } from "#api/server.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
let courts: Courts
beforeAll(async () => {
  api = await testApi()
  courts = await makeCourts(api)
})
afterAll(() => api.database.drop())

test("a person registers, signs in, holds a slot and finds it in their list", async () => {
  const { facilityId, court } = courts
  const open = client(api.server)
  const email = "eden@example.com"
  const person = { email, password, firstName: "Eden", lastName: "Typed", facilityId }
  const registered = await open.v1.users.post(person)
  const signedIn = await open.v1.sessions.post({ email, password })
  if (signedIn.error || registered.error) throw new Error(JSON.stringify(signedIn.error ?? registered.error))
  const own = client(api.server, signedIn.data.token).v1.facilities({ facilityId })
  const held = await own.holds.post({ resourceId: court, ...atHour(5) })
  expect(held.error).toBeNull()
  expect(held.status).toBe(201)
  const { status, bookerId, startAt } = held.data ?? {}
  expect({ status, bookerId, startAt }).toEqual({
    status: "held",
    bookerId: registered.data.id,
    startAt: atHour(5).startAt,
  })
  const list = await own.bookings.get({ query: { limit: "1", status: "held" } })
  expect(list.data?.data.map(({ id }) => id)).toEqual([held.data?.id ?? ""])
})

test("a refusal is a problem document with its type", async () => {
  const root = client(api.server, rootKey).v1.facilities({ facilityId: courts.facilityId })
  const body = { resourceId: courts.court, bookerId: courts.player.id, paymentMethod: "waived", ...atHour(5) } as const
  const { data, error } = await root.bookings.post(body)
  expect(data).toBeNull()
  expect(error?.status).toBe(409)
  const problem = error?.value
  expect({ code: problem?.code, title: problem?.title }).toEqual({ code: "slot_taken", title: "Slot taken" })
})

test("the client also works over the network, by a server's address", async () => {
  const server = createServer(api.app).listen({ port: 0, hostname: "127.0.0.1" })
  const me = await client(`http://127.0.0.1:${server.server?.port}`, rootKey).v1.me.get()
  expect(me.data?.kind).toBe("system")
  await server.stop(true)
})

test("a request that a route does not take does not compile", () => {
  const { v1 } = client(api.server)
  const wrong = [
    // @ts-expect-error a hold needs an end
    () => v1.facilities({ facilityId: "" }).holds.post({ resourceId: "", startAt: "" }),
    // @ts-expect-error there is no such field of the query
    () => v1.facilities({ facilityId: "" }).bookings.get({ query: { color: "blue" } }),
    // @ts-expect-error there is no such route
    () => v1.facilities({ facilityId: "" }).swimmingPools.get(),
  ]
  expect(wrong).toHaveLength(3)
})
