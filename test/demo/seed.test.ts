// The demo club: made once, whole, through the commands, and open to everybody with its password.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type DemoClub, seedDemo } from "#demo/seed.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())

let club: DemoClub

test("of four starts at once one makes the club, and no later start makes another", async () => {
  const made = await Promise.all(Array.from({ length: 4 }, () => seedDemo(api.app)))
  const clubs = made.filter((club) => club !== undefined)
  expect(clubs).toHaveLength(1)
  club = clubs[0] as DemoClub
  expect(await seedDemo(api.app)).toBeUndefined()
})

test("the club has courts with prices, opening hours and people in their roles", async () => {
  const facility = await api.call("GET", `/v1/facilities/${club.facilityId}`)
  expect(facility.body).toMatchObject({
    name: "Riverside Tennis Club",
    timezone: "Europe/Berlin",
    currency: "EUR",
    openingHours: { monday: [{ open: "07:00", close: "22:00" }], sunday: [{ open: "08:00", close: "20:00" }] },
  })
  const courts = await api.call("GET", `/v1/facilities/${club.facilityId}/resources`)
  const prices = courts.body.data.map(({ name, hourlyPrice }: Record<string, unknown>) => [name, hourlyPrice])
  expect(prices).toEqual([
    ["Court 1", 2400],
    ["Court 2", 2400],
    ["Court 3", 2000],
    ["Indoor Court", 3200],
  ])
  expect(club.people.map(({ role, name }) => `${role} ${name}`)).toEqual([
    "facility_owner Clara Brandt",
    "staff Sam Okafor",
    "coach Jonas Weber",
    "player Mia Keller",
    "player Leo Martin",
    "player Nora Lindqvist",
  ])
})

test("everybody can sign in and sees the club", async () => {
  for (const { id, email, role } of club.people) {
    const session = await api.call("POST", "/v1/sessions", { token: null, body: { email, password: club.password } })
    expect(session.status).toBe(201)
    const me = await api.call("GET", "/v1/me", { token: session.body.token })
    expect(me.body.id).toBe(id)
    const roles = me.body.roles.map((grant: { role: string }) => grant.role)
    expect(roles).toContain(role)
    const { body } = await api.call("GET", "/v1/facilities", { token: session.body.token })
    expect(body.data.map((facility: { id: string }) => facility.id)).toEqual([club.facilityId])
  }
})

test("the club's events are recorded like all others", async () => {
  const rows = await api.database.db<{ type: string; count: number }[]>`
    select e.type, count(*) from slotbase.events e join slotbase.outbox o on o.event_id = e.id group by 1 order by 1`
  expect(Object.fromEntries(rows.map(({ type, count }) => [type, count]))).toEqual({
    "facility.created": 1,
    "resource.created": 4,
    "user.created": 6,
    "user.role_assigned": 5,
  })
})

test("nobody of the club leaves, also when a demo of many days moves the clock beyond a year", async () => {
  const db = api.database.db
  await db`select slotbase.move_clock('400 days')`
  await db`update slotbase.sessions set expires_at = slotbase.now() - interval '1 day'`
  expect([...(await db`select * from slotbase.forget_users(slotbase.now() - interval '180 days', 200)`)]).toEqual([
    { looked: expect.any(Number), gone: 0 },
  ])
  const rows = await db<{ id: string }[]>`
    select id from slotbase.users where id = any (${club.people.map(({ id }) => id)}) order by id`
  expect(rows.map(({ id }) => id)).toEqual(club.people.map(({ id }) => id).toSorted())
  await db`update slotbase.clock set shift = '0'`
})

test("in production the password is random", async () => {
  const other = await testApi({ environment: "production" })
  try {
    const club = await seedDemo(other.app)
    expect(club?.password).toMatch(/^[A-Za-z0-9_-]{16}$/)
  } finally {
    await other.database.drop()
  }
})
