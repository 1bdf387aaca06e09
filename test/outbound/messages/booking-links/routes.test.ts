// The links of mails to bookings and offers: opening one changes nothing, its form acts for its person alone.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { tokenOfMessage } from "#outbound/messages/booking-links/tokens.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

let api: TestApi
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice
let facilityId: string
let court: string
let mia: { id: string; token: string; email: string }
let noah: { id: string; token: string; email: string }
let hour = 0

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  mia = await api.person("player", facilityId)
  noah = await api.person("player", facilityId)
  await api.call("PATCH", "/v1/me", { token: noah.token, body: { language: "de" } })
  const body = { name: "Court 1", resourceType: "court", hourlyPrice: 2400 }
  court = (await api.call("POST", `/v1/facilities/${facilityId}/resources`, { body })).body.id
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url, publicUrl: "https://book.example" })
  office = await postOffice(tools)
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})

const at = () => {
  const start = Date.parse("2031-06-03T06:00:00Z") + ++hour * 3_600_000
  return { startAt: new Date(start).toISOString(), endAt: new Date(start + 3_600_000).toISOString() }
}
const post = (path: string, body: object, token?: string) =>
  api.call("POST", `/v1/facilities/${facilityId}${path}`, { body, ...(token && { token }) })
/** Booked by staff for Mia, with Noah as a guest. */
const book = (more: object = {}) =>
  post("/bookings", {
    resourceId: court,
    ...at(),
    bookerId: mia.id,
    participants: [{ userId: noah.id, role: "guest" }],
    paymentMethod: "offline",
    ...more,
  })

/** The links of the mails about an answer, by their recipient. */
async function linksOf({ headers }: Answer): Promise<Record<string, string>> {
  const { db } = api.database
  const ids = (headers.get("x-slotbase-event-ids") ?? "").split(",")
  const events = await db<HandledEvent[]>`select * from slotbase.events where id = any (${ids}) order by id`
  receiver.mails.length = 0
  for (const event of events) await office.tell(event)
  return Object.fromEntries(
    receiver.mails.map(({ recipients, text = "" }) => [
      recipients[0] ?? "",
      /https:\/\/book\.example\/booking-links\/([\w-]+)/.exec(text)?.[1] ?? "",
    ]),
  )
}

async function page(token: string, act?: string, query = "") {
  const answer = await api.server.handle(
    new Request(`http://slotbase.test/booking-links/${token}${query}`, {
      method: act === undefined ? "GET" : "POST",
      ...(act !== undefined && {
        body: `act=${act}`,
        headers: { "content-type": "application/x-www-form-urlencoded" },
      }),
    }),
  )
  const html = await answer.text()
  const buttons = [...html.matchAll(/value="(\w+)"/g)].map(([, name]) => name)
  return { status: answer.status, headers: answer.headers, html, buttons }
}
const statusOf = async (id: string) =>
  (await api.call("GET", `/v1/facilities/${facilityId}/bookings/${id}`)).body.status

test("opening a link shows the booking without a script, and changes nothing however often", async () => {
  const booked = await book()
  const links = await linksOf(booked)
  for (const _ of [1, 2, 3]) {
    const { status, headers, html, buttons } = await page(links[mia.email] ?? "")
    expect([status, buttons]).toEqual([200, ["ask"]])
    expect(html).toContain("<h1>Court 1</h1>")
    expect(html).toContain("<dt>Status</dt><dd>Booked</dd><dt>Price</dt><dd>€24.00</dd>")
    expect(html).toContain("Please pay at the front desk before you play: €24.00")
    expect(html).not.toMatch(/<script|http/)
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    expect([headers.get("referrer-policy"), headers.get("cache-control")]).toEqual(["no-referrer", "no-store"])
  }
  expect(await statusOf(booked.body.id)).toBe("confirmed")
})

test("a booking is cancelled in two steps: the refund is explained, then it is done once", async () => {
  const booked = await book()
  const token = (await linksOf(booked))[mia.email] ?? ""
  const asked = await page(token, "ask")
  expect([asked.status, asked.buttons]).toEqual([200, ["cancel", "see"]])
  expect(asked.html).toContain("Nothing was paid, so nothing is refunded.")
  expect(await statusOf(booked.body.id)).toBe("confirmed")
  expect((await page(token, "see")).buttons).toEqual(["ask"])
  const done = await page(token, "cancel")
  expect([done.status, done.buttons]).toEqual([200, []])
  expect(done.html).toContain('role="status">The booking is cancelled.</p>')
  expect(done.html).toContain("<dt>Status</dt><dd>Cancelled</dd>")
  const again = await page(token, "cancel")
  expect([again.status, again.html.includes('class="said fault"')]).toEqual([409, true])
  const [event] = await api.database.db`
    select user_id, data from slotbase.events where aggregate_id = ${booked.body.id} and type = 'booking.cancelled'`
  expect([event?.user_id, event?.data.cancelledBy, event?.data.cancellationReason]).toEqual([
    mia.id,
    mia.id,
    "Cancelled from the mail",
  ])
})

test("a participant reads the page in their language, and can change nothing", async () => {
  const booked = await book()
  const token = (await linksOf(booked))[noah.email] ?? ""
  const shown = await page(token)
  expect([shown.status, shown.buttons]).toEqual([200, []])
  expect(shown.html).toContain('<html lang="de">')
  expect(shown.html).toContain("<dt>Stand</dt><dd>Gebucht</dd>")
  expect(shown.html).not.toContain("24,00")
  expect((await page(token, "cancel")).status).toBe(404)
  expect(await statusOf(booked.body.id)).toBe("confirmed")
})

test("an offer is accepted from the mail, and another is declined", async () => {
  const club = `/v1/facilities/${facilityId}`
  await api.call("PATCH", `${club}/resources/${court}`, { body: { hourlyPrice: 0 } })
  for (const [act, status, shown] of [
    ["accept", "confirmed", "Gebucht"],
    ["decline", "released", "Zurückgegeben"],
  ] as const) {
    const time = at()
    const taken = await post("/bookings", { resourceId: court, ...time, bookerId: mia.id, paymentMethod: "waived" })
    expect((await post("/waitlist", { resourceId: court, ...time, bookerId: noah.id }, noah.token)).status).toBe(201)
    const freed = await post(`/bookings/${taken.body.id}/cancel`, { cancellationReason: "Rain" })
    const token = (await linksOf(freed))[noah.email] ?? ""
    const offer = await page(token)
    expect([offer.status, offer.buttons]).toEqual([200, ["accept", "decline"]])
    expect(offer.html).toContain("<dt>Reserviert bis</dt>")
    const done = await page(token, act)
    expect([done.status, done.html.includes(`<dd>${shown}</dd>`)]).toEqual([200, true])
    const [row] = await api.database.db`
      select status from slotbase.bookings where booker_id = ${noah.id} and start_at = ${time.startAt}`
    expect(row?.status).toBe(status)
    const late = await page(token, act === "accept" ? "decline" : "accept")
    expect([late.status, late.html.includes("Das Angebot wurde schon beantwortet.")]).toEqual([409, true])
  }
})

test("an offer that costs is accepted from the mail, and the page says until when and where to pay", async () => {
  await api.call("PATCH", `/v1/facilities/${facilityId}/resources/${court}`, { body: { hourlyPrice: 2400 } })
  const time = at()
  const taken = await post("/bookings", { resourceId: court, ...time, bookerId: mia.id, paymentMethod: "waived" })
  await post("/waitlist", { resourceId: court, ...time, bookerId: noah.id }, noah.token)
  const freed = await post(`/bookings/${taken.body.id}/cancel`, { cancellationReason: "Rain" })
  const token = (await linksOf(freed))[noah.email] ?? ""
  const done = await page(token, "accept")
  expect([done.status, done.buttons]).toEqual([200, ["release"]])
  expect(done.html).toContain('role="status">Du hast das Angebot angenommen.</p>')
  expect(done.html).toMatch(
    /Bezahl bis dann, sonst wird er wieder frei: [A-Z][a-z]+tag, \d|Bezahl bis dann, sonst wird er wieder frei: Mittwoch, \d/,
  )
  expect(done.html).toContain("Bezahl dort, wo du online buchst, oder am Empfang.")
  Object.assign(api.app.config, { signInUrl: "https://club.example/sign-in" })
  const led = await page(token)
  expect(led.html).toContain('<li><a href="https://club.example/sign-in">Anmelden und mit Karte bezahlen</a></li>')
  expect(led.html).toContain("<p>Melde dich an und bezahl mit Karte, oder bezahl am Empfang.</p>")
  expect((await page("x")).html).toContain('<li><a href="https://club.example/sign-in">Sign in · Anmelden</a></li>')
  Object.assign(api.app.config, { signInUrl: undefined })
})

test("the link of a series shows its bookings, each with a page of its own", async () => {
  const made = await post("/recurring-bookings", {
    ...{ resourceId: court, bookerId: mia.id, paymentMethod: "offline", startDate: "2031-07-01", startTime: "18:00" },
    ...{ durationMinutes: 60, rule: "FREQ=WEEKLY;COUNT=3", windowDays: 365 },
  })
  const token = (await linksOf(made))[mia.email] ?? ""
  const all = await page(token)
  expect(all.html).toContain('<li><a href="?booking=2">Tue, 8 Jul 2031, 18:00 · Booked</a></li>')
  const one = await page(token, undefined, "?booking=2")
  expect([one.status, one.buttons]).toEqual([200, ["ask"]])
  await page(token, "cancel", "?booking=2")
  const statuses = await Promise.all(
    made.body.occurrences.map((each: { bookingId: string }) => statusOf(each.bookingId)),
  )
  expect(statuses).toEqual(["confirmed", "cancelled", "confirmed"])
  for (const query of ["?booking=9", "?booking=-1", "?booking=x"])
    expect((await page(token, undefined, query)).html).toContain("The bookings of your series")
})

test("a link opens nothing for another address, after its time, or for who has left; and no token can be guessed", async () => {
  const booked = await book()
  const links = await linksOf(booked)
  const [row] = await api.database.db`
    select id from slotbase.notifications where user_id = ${mia.id} and channel = 'email' order by created_at desc limit 1`
  expect(tokenOfMessage(api.app.secrets, { id: row?.id, facilityId, address: mia.email.toUpperCase() })).toBe(
    links[mia.email] ?? "",
  )
  const stolen = tokenOfMessage(api.app.secrets, { id: row?.id, facilityId, address: "somebody@example.com" })
  const changed = `${(links[mia.email] ?? "").slice(0, -2)}AA`
  for (const token of [stolen, changed, "x", "%00", "%ff", "A".repeat(64), "a".repeat(5_000)]) {
    for (const act of [undefined, "cancel"]) {
      const shown = await page(token, act)
      expect([shown.status, shown.html.includes("This link opens nothing")]).toEqual([410, true])
    }
  }
  const token = links[noah.email] ?? ""
  expect((await page(token)).status).toBe(200)
  await api.call("DELETE", `/v1/users/${noah.id}/roles?role=player&scopeType=facility&scopeId=${facilityId}`)
  expect((await page(token)).status).toBe(410)
  await api.database.db`update slotbase.users set email = 'new@example.com' where id = ${mia.id}`
  expect((await page(links[mia.email] ?? "")).status).toBe(410)
  await api.database.db`update slotbase.users set email = ${mia.email} where id = ${mia.id}`
  expect((await page(links[mia.email] ?? "")).status).toBe(200)
  await api.database.db`select slotbase.move_clock(interval '10 years')`
  expect((await page(links[mia.email] ?? "")).status).toBe(410)
  expect(await statusOf(booked.body.id)).toBe("confirmed")
})

test("a staff member's mail opens no more than a member may do", async () => {
  await api.database.db`update slotbase.clock set shift = '0'`
  const admin = await api.person("facility_admin", facilityId)
  const booked = await book({ bookerId: admin.id, participants: [] })
  const token = (await linksOf(booked))[admin.email] ?? ""
  await api.database.db`
    update slotbase.bookings set start_at = slotbase.now() - interval '10 minutes' where id = ${booked.body.id}`
  const refused = await page(token, "cancel")
  expect([refused.status, refused.html.includes("only staff can cancel it now")]).toEqual([409, true])
})

test("other bodies and sizes are refused as pages", async () => {
  const token = (await linksOf(await book({ participants: [] })))[mia.email] ?? ""
  const send = async (body: string, type: string) => {
    const answer = await api.server.handle(
      new Request(`http://slotbase.test/booking-links/${token}`, {
        method: "POST",
        body,
        headers: { "content-type": type },
      }),
    )
    return answer.status
  }
  expect(await send('{"act":"cancel"}', "application/json")).toBe(415)
  expect(await send(`act=${"x".repeat(9_000)}`, "application/x-www-form-urlencoded")).toBe(413)
  expect(await send("act=unknown", "application/x-www-form-urlencoded")).toBe(200)
})
