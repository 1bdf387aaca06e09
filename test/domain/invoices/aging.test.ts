// The list of what is unpaid, by account and age, and the pages that the mails of debts and invoices lead to.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { monthlyBilling } from "#actors/jobs/monthly-billing.ts"
import { offlinePaymentAging } from "#actors/jobs/offline-payment-aging.ts"
import { dayBefore } from "#domain/invoices/aging/stages.ts"
import { putInvoiceSettings } from "#domain/invoices/seller.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { run } from "#test/harness/club/club.ts"
import { aDebt, noStop, tickOf } from "#test/harness/club/debts.ts"
import { sellerSettings } from "#test/harness/club/invoices.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

let api: TestApi
let its: Courts
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
const today = new Date().toISOString().slice(0, 10)

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url, publicUrl: "https://book.example" })
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})

const at = () => `/v1/facilities/${its.facilityId}`
const debt = (daysAgo: number, price = 1000, booker = its.player.id) =>
  aDebt(api.database.db, {
    facilityId: its.facilityId,
    court: its.court,
    booker,
    startAt: `${dayBefore(today, daysAgo)}T00:00:00Z`,
    price,
  })

test("what is unpaid stands by account in four ages, a page at a time; what is paid or to come does not", async () => {
  const other = await api.person("player", its.facilityId)
  const ids = []
  for (const days of [0, 30, 31, 60, 61, 90, 91, 300]) ids.push(await debt(days, 1000 + days))
  await debt(5, 700, other.id)
  await debt(-2, 5000)
  await api.call("POST", `${at()}/offline-payments`, {
    body: { bookingId: ids[1], amount: 1030, paymentMethod: "cash" },
  })
  const { status, body } = await api.call("GET", `${at()}/payments/aging`, { token: its.staff.token })
  expect(status).toBe(200)
  const [mine, theirs] = [its.player.id, other.id].map((id) =>
    body.data.find(({ ownerId }: { ownerId: string }) => ownerId === id),
  )
  expect(mine).toMatchObject({
    accountId: expect.any(String),
    currency: "EUR",
    days0To30: { amount: 1000, count: 1 },
    days31To60: { amount: 2091, count: 2 },
    days61To90: { amount: 2151, count: 2 },
    over90: { amount: 2391, count: 2 },
    total: 7633,
    oldestDay: dayBefore(today, 300),
  })
  expect(theirs).toMatchObject({ accountId: null, days0To30: { amount: 700, count: 1 }, total: 700 })
  const first = await api.call("GET", `${at()}/payments/aging?limit=1`, { token: its.staff.token })
  const second = await api.call("GET", `${at()}/payments/aging?limit=1&after=${first.body.next}`, {
    token: its.staff.token,
  })
  expect([...first.body.data, ...second.body.data]).toEqual(body.data)
  expect(second.body.next).toBeNull()
  expect((await api.call("GET", `${at()}/payments/aging`, { token: its.player.token })).status).toBe(403)
})

async function linkOf(type: string): Promise<string> {
  const office = await postOffice(tools)
  const [event] = await api.database.db<HandledEvent[]>`
    select * from slotbase.events where facility_id = ${its.facilityId} and type = ${type} order by id desc limit 1`
  if (!event) throw new Error(`no ${type}`)
  await office.tell(event)
  const [mail] = receiver.mails.splice(0)
  return /booking-links\/([\w-]+)/.exec(mail?.text ?? "")?.[1] ?? ""
}
const open = (token: string, query = "") =>
  api.server.handle(new Request(`http://slotbase.test/booking-links/${token}${query}`))

test("the mail of a bill leads to the invoice and its PDF, and to no other paper", async () => {
  its = await makeCourts(api)
  await run(api.database.db, (tx) => putInvoiceSettings(tx, its.facilityId, sellerSettings))
  const month = `${dayBefore(`${today.slice(0, 7)}-01`, 1).slice(0, 7)}`
  await aDebt(api.database.db, {
    facilityId: its.facilityId,
    court: its.court,
    booker: its.player.id,
    startAt: `${month}-03T10:00:00Z`,
  })
  await monthlyBilling(api.app).run(tickOf(its.facilityId, "UTC", `${today.slice(0, 7)}-01`, "00:00"), noStop)
  const token = await linkOf("invoice.issued")
  const page = await (await open(token)).text()
  expect(page).toContain("€24.00")
  const to = /href="(\?paper=[0-9a-f-]{36})"/.exec(page)?.[1] ?? ""
  const file = await open(token, to)
  expect([file.status, file.headers.get("content-type")]).toEqual([200, "application/pdf"])
  expect((await file.text()).slice(0, 5)).toBe("%PDF-")
  expect((await open(token, "?paper=01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01")).status).toBe(404)
})

test("the reminder of a debt leads to the page of its booking", async () => {
  its = await makeCourts(api)
  await debt(30, 2400)
  await offlinePaymentAging(api.app).run(tickOf(its.facilityId, "UTC", today), noStop)
  const page = await open(await linkOf("booking.payment_overdue"))
  expect(page.status).toBe(200)
  expect(await page.text()).toContain("Court 1")
})
