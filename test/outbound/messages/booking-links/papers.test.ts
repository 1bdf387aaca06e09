// The papers of a booking, on the page that the links of its mails open.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { invoiceHandler } from "#actors/handlers/invoice.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { eventsAbout, makeTill, type Till } from "#test/harness/club/payments.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

let api: TestApi
let its: Courts
let till: Till
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  till = await makeTill(api, its, [invoiceHandler()])
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url, publicUrl: "https://book.example" })
  office = await postOffice(tools)
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})

/** The token of the link in the only mail about an event. */
async function linkOf(id: string, type: string): Promise<string> {
  const [recorded] = await eventsAbout(api.database.db, id, type)
  const [event] = await api.database.db<
    HandledEvent[]
  >`select * from slotbase.events where id = ${recorded?.id ?? null}`
  if (!event) throw new Error(`no ${type}`)
  await office.tell(event)
  const [mail] = receiver.mails.splice(0)
  return /booking-links\/([\w-]+)/.exec(mail?.text ?? "")?.[1] ?? ""
}
const open = (token: string, query = "") =>
  api.server.handle(new Request(`http://slotbase.test/booking-links/${token}${query}`))

/** A paid booking of which a part was refunded; the links of its two mails. */
async function paidAndRefunded() {
  const bookingId = await till.hold()
  const paid = await till.pay(bookingId)
  await till.react()
  await till.refund(paid.body.id, { amount: 701 })
  await till.react()
  return [await linkOf(bookingId, "booking.confirmed"), await linkOf(bookingId, "payment.refunded")] as const
}
const papersIn = (html: string) =>
  [...html.matchAll(/<a href="(\?paper=[0-9a-f-]{36})">([^<]*)<\/a>/g)].map(
    ([, to = "", words]) => [to, words] as const,
  )

test("the links of a booking's mails lead to its invoice and its credit note, as PDF files", async () => {
  for (const token of await paidAndRefunded()) {
    const papers = papersIn(await (await open(token)).text())
    expect(papers.map(([, words]) => words)).toEqual([
      expect.stringMatching(/^Receipt INV-\d{4}-00001 · €24\.00 \(PDF\)$/),
      expect.stringMatching(/^Credit note INV-\d{4}-00002 · €7\.01 \(PDF\)$/),
    ])
    for (const [to] of papers) {
      const file = await open(token, to)
      expect([file.status, file.headers.get("content-type"), file.headers.get("cache-control")]).toEqual([
        200,
        "application/pdf",
        "no-store",
      ])
      expect((await file.text()).slice(0, 5)).toBe("%PDF-")
    }
  }
})

test("the link of one booking opens no paper of another, and no other text is one", async () => {
  const [first] = await paidAndRefunded()
  const [other] = await paidAndRefunded()
  const [[to] = [""]] = papersIn(await (await open(first)).text())
  expect((await open(first, to)).status).toBe(200)
  for (const query of [to, "?paper=x", "?paper="]) expect((await open(other, query)).status).toBe(404)
})
