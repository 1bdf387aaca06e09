// Papers over HTTP: the settings of the seller, who reads which paper, the files, and the export of a month.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { invoiceHandler } from "#actors/handlers/invoice.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts, refusalOf } from "#test/harness/api/booking-api.ts"
import { sellerSettings } from "#test/harness/club/invoices.ts"
import { makeTill, type Till } from "#test/harness/club/payments.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import { brokenRulesIn, schemaFaults } from "./validators.ts"

let api: TestApi
let its: Courts
let till: Till

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  till = await makeTill(api, its, [invoiceHandler()])
  await api.call("PATCH", `${till.at}/settings`, { body: { taxRates: { court: 1900 } } })
})
afterAll(() => api.database.drop())

const put = (body: object, path = "/invoice-settings") => api.call("PUT", `${till.at}${path}`, { body })
const get = (path: string, token?: string) => api.call("GET", path, token === undefined ? {} : { token })
const bytes = async (path: string) => {
  const request = new Request(`http://slotbase.test${path}`, {
    headers: { authorization: `Bearer ${its.player.token}` },
  })
  const answer = await api.server.handle(request)
  return { answer, content: new Uint8Array(await answer.arrayBuffer()) }
}

const bytesOf = async (path: string) => {
  const headers = { authorization: `Bearer ${rootKey}` }
  const answer = await api.server.handle(new Request(`http://slotbase.test${path}`, { headers }))
  return new Uint8Array(await answer.arrayBuffer())
}

test("a receipt is issued before the seller is known, and invoices from then on", async () => {
  expect((await get(`${till.at}/invoice-settings`)).body).toMatchObject({ legalName: null, numberPrefix: "INV" })
  await till.pay(await till.hold())
  await till.react()
  expect((await put(sellerSettings)).status).toBe(200)
  await till.pay(await till.hold())
  await till.react()
  const { data } = (await get(`${till.at}/invoices`)).body
  expect(
    data.map(({ isReceipt, missing, hasXml }: object & Record<string, unknown>) => [isReceipt, missing, hasXml]),
  ).toEqual([
    [false, [], true],
    [true, ["seller"], false],
  ])
  expect((await get(`${till.at}/invoices/${data[1].id}/xml`)).body).toMatchObject({
    status: 422,
    code: "paper_has_no_xml",
  })
})

test("a payer reads the own papers here and everywhere, and nobody else's", async () => {
  const own = (await get("/v1/me/invoices", its.player.token)).body.data
  const here = (await get(`${till.at}/invoices`, its.player.token)).body.data
  expect(own.map(({ id }: { id: string }) => id)).toEqual(here.map(({ id }: { id: string }) => id))
  expect(own.length).toBeGreaterThan(1)
  const other = await api.person("player", its.facilityId)
  expect((await get(`${till.at}/invoices`, other.token)).body.data).toEqual([])
  expect((await get("/v1/me/invoices", other.token)).body.data).toEqual([])
  expect((await get(`${till.at}/invoices/${own[0].id}/pdf`, other.token)).status).toBe(404)
})

test("the files are the same bytes each time, and what a payer wants on them stands on later ones", async () => {
  const [paper] = (await get("/v1/me/invoices", its.player.token)).body.data
  const address = {
    name: "Keller Design GmbH",
    street: "Seestrasse 7",
    postcode: "8002",
    city: "Zürich",
    country: "CH",
  }
  const set = await put(address, `/billing-accounts/${paper.billingAccountId}/invoice-address`)
  expect(set.body).toEqual({ address })
  await till.pay(await till.hold())
  await till.react()
  const [later] = (await get("/v1/me/invoices", its.player.token)).body.data
  expect([paper.buyer.street, later.buyer.street]).toEqual([null, "Seestrasse 7"])
  const path = `${till.at}/invoices/${later.id}`
  const { answer, content } = await bytes(`${path}/pdf?language=de`)
  expect(answer.headers.get("content-type")).toBe("application/pdf")
  expect(answer.headers.get("content-disposition")).toBe(`attachment; filename="${later.number}.pdf"`)
  expect(await brokenRulesIn(content)).toEqual([])
  expect(Buffer.from((await bytes(`${path}/pdf?language=de`)).content).equals(Buffer.from(content))).toBe(true)
  const xml = new TextDecoder().decode((await bytes(`${path}/xml`)).content)
  expect(await schemaFaults(xml)).toEqual([])
  const files = await api.database
    .db`select form from slotbase.invoice_papers where invoice_id = ${later.id} order by form`
  expect(files.map(({ form }) => form)).toEqual(["pdf-de", "xml"])
})

describe("what cannot be a seller is refused where it is given", () => {
  const refused: Readonly<Record<string, [object, string]>> = {
    "an IBAN with a wrong digit": [{ iban: "DE02120300000000202052" }, "body.iban"],
    "a BIC without an IBAN": [{ bic: "BYLADEM1001" }, "body.iban"],
    "a BIC with no IBAN any more": [{ bic: "BYLADEM1001", iban: null }, "body.iban"],
    "a VAT id without its country": [{ vatId: "123456789" }, "body.vatId"],
    "a country in words": [{ country: "Germany" }, "body.country"],
    "a country that there is not": [{ country: "XX" }, "body.country"],
    "a VAT id of a country that there is not": [{ vatId: "XX123456789" }, "body.vatId"],
    "a prefix with digits": [{ numberPrefix: "2026" }, "body.numberPrefix"],
    "a language that nobody wrote": [{ language: "fr" }, "body.language"],
  }
  for (const [name, [wrong, path]] of Object.entries(refused)) {
    test(name, async () => {
      const { status, errors } = await refusalOf(api, () => put({ ...sellerSettings, ...wrong }))
      expect(status).toBe(422)
      expect(errors?.map((error: { path: string }) => error.path)).toEqual([path])
    })
  }
})

test("a month as CSV has a row for each paper, and totals that are the money of the ledger", async () => {
  await api.call("POST", `${till.at}/offline-payments`, {
    body: { payerName: '=SUM(A1) "Ada"', amount: 700, paymentMethod: "cash" },
  })
  const [paid] = (await get(`${till.at}/payments`)).body.data
  await till.refund(paid.id, { amount: 1000 })
  await till.react()
  const [{ month }] = await api.database.db<[{ month: string }]>`
    select to_char(max(issued_on), 'YYYY-MM') as month from slotbase.invoices where facility_id = ${its.facilityId}`
  const { body: csv, headers } = await get(`${till.at}/invoice-export?month=${month}`)
  expect(headers.get("content-type")).toBe("text/csv; charset=utf-8")
  const raw = await bytesOf(`${till.at}/invoice-export?month=${month}`)
  expect([...raw.subarray(0, 9)]).toEqual([0xef, 0xbb, 0xbf, ...Buffer.from("number")])
  const rows: string[] = csv.trimEnd().split("\r\n")
  expect(rows.length).toBe(1 + 5 + 2)
  expect(csv).toContain(`,"'=SUM(A1) ""Ada""",`)
  const totals = rows.filter((row) => row.startsWith("total")).map((row) => row.split(",").slice(7, 12))
  expect(totals).toEqual([
    ["EUR", "0.00", "7.00", "0.00", "7.00"],
    ["EUR", "19.00", "52.11", "9.89", "62.00"],
  ])
  const { body: german } = await get(`${till.at}/invoice-export?month=${month}&separator=semicolon`)
  const ends = german.trimEnd().split("\r\n").slice(-2)
  expect(ends.map((row: string) => row.split(";").slice(7, 12))).toEqual([
    ["EUR", "0,00", "7,00", "0,00", "7,00"],
    ["EUR", "19,00", "52,11", "9,89", "62,00"],
  ])
  expect(german).toContain(`;-`)
  expect(german).not.toContain(`'-`)
  const [ledger] = await api.database.db<[{ money: number }]>`
    select sum(amount)::bigint as money from slotbase.payment_ledger
    where facility_id = ${its.facilityId} and account in ('provider', 'till')`
  expect(ledger.money).toBe(6900)
})

test("a member who has left still reads the own papers with their files, and nobody else does", async () => {
  const [paper] = (await get("/v1/me/invoices", its.player.token)).body.data.filter(
    ({ hasXml }: { hasXml: boolean }) => hasXml,
  )
  const left = await api.call(
    "DELETE",
    `/v1/users/${its.player.id}/roles?role=player&scopeType=facility&scopeId=${its.facilityId}`,
  )
  expect(left.status).toBe(204)
  expect((await get(`${till.at}/invoices/${paper.id}/pdf`, its.player.token)).status).toBe(404)
  const pdf = await bytes(`/v1/me/invoices/${paper.id}/pdf?language=de`)
  expect([pdf.answer.status, pdf.answer.headers.get("content-type")]).toEqual([200, "application/pdf"])
  const xml = await bytes(`/v1/me/invoices/${paper.id}/xml`)
  expect(await schemaFaults(new TextDecoder().decode(xml.content))).toEqual([])
  const other = await api.person("player", its.facilityId)
  for (const file of ["pdf", "xml"])
    expect((await get(`/v1/me/invoices/${paper.id}/${file}`, other.token)).status).toBe(404)
})
