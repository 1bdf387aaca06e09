// By which channels people are told, by the rules and by what each of them has chosen.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { decideMessages } from "#outbound/messages/preferences/decide.ts"
import { type Listed, reach } from "#outbound/messages/preferences/reach.ts"
import { replaceChoices, type Switch } from "#outbound/messages/preferences/rows.ts"
import { aPerson, type PersonRow } from "#test/harness/club/factories.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const evening = Date.parse("2026-11-30T22:30:00Z") // 23:30 in Berlin
const morning = new Date("2026-12-01T06:00:00Z")
const type = "booking.confirmed"

/** A person with an account, as far as messages go. */
async function aReader(given: { phone?: string; browsers?: number; timezone?: string } = {}): Promise<PersonRow> {
  const { db } = database
  const person = await aPerson(db)
  await db`update slotbase.users set password_hash = 'x', timezone = ${given.timezone ?? null} where id = ${person.id}`
  if (given.phone)
    await db`insert into slotbase.phones (user_id, number, verified_at) values (${person.id}, ${given.phone}, slotbase.now())`
  for (let nth = 0; nth < (given.browsers ?? 0); nth++)
    await db`
      insert into slotbase.push_subscriptions (id, user_id, endpoint_hash, service, sealed, server_key)
      values (${newId()}, ${person.id}, ${Buffer.from(newId())}, 'push.example.com', ${Buffer.of(1)}, 'key')`
  return person
}

const choose = (person: PersonRow, switches: Switch[], quiet?: { channels: ("email" | "sms" | "push")[] }) =>
  database.db.begin((tx) =>
    replaceChoices(tx, person.id, {
      switches,
      quietHours: quiet === undefined ? null : { start: "22:00", end: "07:00", ...quiet },
    }),
  )

const listed = (person: { id: string; email?: string | null }, ...channels: Listed["channel"][]): Listed[] =>
  channels.map((channel) => ({
    userId: person.id,
    channel,
    templateId: "booking-confirmation",
    address: undefined,
    linkId: undefined,
    email: person.email ?? undefined,
  }))

async function waysOf(list: Listed[], event: { type?: string; priority?: "critical" | "high" | "normal" } = {}) {
  const [ways = []] = await reach(
    database.db,
    [{ type, priority: "high", timezone: "Europe/Berlin", ...event, listed: list }],
    evening,
  )
  return ways.map(({ channel, address, notBefore, reason }) => [channel, address, notBefore ?? reason ?? "now"])
}

test("without a choice: by mail and inside the program, in each browser, and by no text", async () => {
  const plain = await aReader({ phone: "+4915112345678" })
  expect(await waysOf(listed(plain, "email", "push"))).toEqual([
    ["email", undefined, "now"],
    ["push", undefined, "no browser subscribed"],
    ["in_app", undefined, "now"],
  ])
  const modern = await aReader({ browsers: 2 })
  const ways = await waysOf(listed(modern, "email"))
  expect(ways.map(([channel, address]) => [channel, typeof address])).toEqual([
    ["email", "undefined"],
    ["push", "string"],
    ["push", "string"],
    ["in_app", "undefined"],
  ])
})

test("a text goes to the verified number of whoever switched texts on, for one type or for all", async () => {
  const one = await aReader({ phone: "+4915112345678" })
  await choose(one, [{ type, channel: "sms", enabled: true }])
  expect((await waysOf(listed(one, "email"))).at(-1)).toEqual(["sms", "+4915112345678", "now"])
  expect((await waysOf(listed(one, "email"), { type: "booking.cancelled" })).map(([channel]) => channel)).toEqual([
    "email",
    "in_app",
  ])
  const all = await aReader({ phone: "+4915112345679" })
  await choose(all, [
    { type: "*", channel: "sms", enabled: true },
    { type, channel: "sms", enabled: false },
  ])
  expect((await waysOf(listed(all, "email"))).map(([channel]) => channel)).toEqual(["email", "in_app"])
  expect((await waysOf(listed(all, "email"), { type: "booking.cancelled" })).at(-1)).toEqual([
    "sms",
    "+4915112345679",
    "now",
  ])
  const without = await aReader()
  await choose(without, [{ type: "*", channel: "sms", enabled: true }])
  expect((await waysOf(listed(without, "email"))).map(([channel]) => channel)).toEqual(["email", "in_app"])
})

test("what is switched off says so, and account messages come all the same", async () => {
  const quiet = await aReader({ phone: "+4915112345678", browsers: 1 })
  await choose(
    quiet,
    (["email", "push", "in_app"] as const).map((channel) => ({ type: "*", channel, enabled: false })),
    { channels: ["email", "sms", "push"] },
  )
  const off = "switched off by the recipient"
  expect((await waysOf(listed(quiet, "email"))).map(([channel, , when]) => [channel, when])).toEqual([
    ["email", off],
    ["push", off],
    ["in_app", off],
  ])
  for (const event of [{ type: "user.password_changed" }, { priority: "critical" as const }])
    expect((await waysOf(listed(quiet, "email"), event)).map(([, , when]) => when)).toEqual(["now", "now", "now"])
})

test("in quiet hours of the reader's zone the chosen channels wait, and nothing else does", async () => {
  const berlin = await aReader({ browsers: 1 })
  await choose(berlin, [], { channels: ["push"] })
  expect((await waysOf(listed(berlin, "email"))).map(([channel, , when]) => [channel, when])).toEqual([
    ["email", "now"],
    ["push", morning],
    ["in_app", "now"],
  ])
  const newYork = await aReader({ timezone: "America/New_York" })
  await choose(newYork, [], { channels: ["email"] })
  expect((await waysOf(listed(newYork, "email")))[0]).toEqual(["email", undefined, "now"])
})

test("a mail with an address or a link of its own stays alone", async () => {
  const person = await aReader({ browsers: 1 })
  const [entry] = listed(person, "email") as [Listed]
  expect(
    await waysOf([{ ...entry, address: "old@example.com", email: "old@example.com" }], { type: "user.email_changed" }),
  ).toEqual([["email", "old@example.com", "now"]])
  expect(await waysOf([{ ...entry, linkId: newId() }], { type: "user.password_reset_requested" })).toEqual([
    ["email", undefined, "now"],
  ])
})

test("a child, a guest without an address and nobody", async () => {
  const child = await aPerson(database.db)
  expect(await waysOf(listed(child, "email"))).toEqual([["email", undefined, "now"]])
  expect(await waysOf(listed({ id: child.id, email: null }, "email"))).toEqual([
    ["email", undefined, "no email address"],
  ])
  expect(await waysOf(listed({ id: newId() }, "email"))).toEqual([["email", undefined, "no such user"]])
})

test("it is decided in the order of what it was asked", async () => {
  const [one, other] = [await aReader(), await aReader()]
  await choose(one, [{ type, channel: "email", enabled: false }])
  await choose(other, [], { channels: ["email"] })
  const ask = (userId: string, channel: "email" | "sms" | "in_app") =>
    ({ userId, channel, type, priority: "normal", timezone: "Europe/Berlin" }) as const
  expect(
    await decideMessages(
      database.db,
      [ask(one.id, "email"), ask(other.id, "email"), ask(one.id, "in_app"), ask(other.id, "sms")],
      evening,
    ),
  ).toEqual([
    { send: false, reason: "switched off by the recipient" },
    { send: true, notBefore: morning },
    { send: true },
    { send: false, reason: "not chosen by the recipient" },
  ])
})
