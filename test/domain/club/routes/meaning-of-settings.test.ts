// A new currency or time zone is refused while numbers stand in the old one, and the refusal counts them.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { alwaysOpen, atHour } from "#test/harness/club/hours.ts"

let api: TestApi
let club: string
let court: string
let freeCourt: string
let player: { id: string; token: string }

beforeAll(async () => {
  api = await testApi()
})
beforeEach(async () => {
  await api.database.db`update slotbase.clock set shift = '0'`
  club = await api.facility({ timezone: "UTC", openingHours: alwaysOpen })
  const made = (name: string, hourlyPrice: number) => post("/resources", { name, resourceType: "court", hourlyPrice })
  court = (await made("Court", 2400)).body.id
  freeCourt = (await made("Free court", 0)).body.id
  player = await api.person("player", club)
})
afterAll(() => api.database.drop())

const at = (path: string) => `/v1/facilities/${club}${path}`
const post = (path: string, body: object = {}) => api.call("POST", at(path), { body })
const get = (path: string) => api.call("GET", at(path))
const settings = (body: object) => api.call("PATCH", at("/settings"), { body })
const fee = () => api.call("PUT", at("/booking-policy"), { body: { noShowFee: 1000 } })
const book = (n: number) =>
  post("/bookings", { resourceId: court, ...atHour(n), bookerId: player.id, paymentMethod: "offline" })

/** The player books for themself; the free court is confirmed at once. */
const bookAlone = (n: number) =>
  api.call("POST", at("/bookings"), {
    token: player.token,
    body: { resourceId: freeCourt, ...atHour(n), paymentMethod: "online" },
  })

describe("the currency", () => {
  test("stays while prices, bookings and debts stand in it, and nothing is written", async () => {
    await book(1)
    await fee()
    const before = await api.rows()
    const refused = await settings({ currency: "JPY" })
    expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
      409,
      "currency_in_use",
      "These stand in EUR: 2 prices, 1 bookings. End or settle them first, and convert the prices in the same request (convertPricesAt).",
    ])
    const rated = await settings({ currency: "JPY", convertPricesAt: "160" })
    expect(rated.body.detail).toStartWith("These stand in EUR: 1 bookings. ")
    expect(await api.rows()).toEqual(before)
  })

  test("never changes under bookings that members are making at that moment", async () => {
    for (let round = 0; round < 12; round++) {
      const to = round % 2 === 0 ? "JPY" : "EUR"
      const change = settings({ currency: to, convertPricesAt: "1" })
      const made = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => bookAlone(10 * round + n)))
      expect((await change).status).toBeOneOf([200, 409])
      for (const { status } of made) expect(status).toBeOneOf([201, 409])
      const mixed = await api.database.db`
        select b.id from slotbase.bookings b join slotbase.facilities f on f.id = b.facility_id
        where f.id = ${club} and b.status = 'confirmed' and b.price_currency <> f.currency`
      expect(mixed).toHaveLength(0)
      await api.database.db`delete from slotbase.occupancies where facility_id = ${club}`
      await api.database.db`update slotbase.bookings set status = 'released' where facility_id = ${club}`
    }
  })

  test("changes together with its prices, each rounded to what can be moved, and none becomes free", async () => {
    await fee()
    await post("/price-rules", { name: "Cheap", hourlyPrice: 1, resourceId: freeCourt })
    const { body } = await settings({ currency: "KWD", convertPricesAt: "0.3341" })
    expect(body.currency).toBe("KWD")
    const price = async (id: string) => (await get(`/resources/${id}`)).body.hourlyPrice
    // 24.00 EUR are 8.0184 KWD.
    expect(await price(court)).toBe(8020)
    expect(await price(freeCourt)).toBe(0)
    expect((await get("/booking-policy")).body.noShowFee).toBe(3340)
    expect((await get("/price-rules")).body.data[0].hourlyPrice).toBe(10)
    const { db } = api.database
    const [event] = await db`
      select data from slotbase.events where facility_id = ${club} and type = 'facility.settings_updated' order by id desc limit 1`
    expect(event?.data.changedSettings).toEqual(["currency", "prices"])
    const made = await book(1)
    expect(made.body).toMatchObject({ priceAmount: 8020, priceCurrency: "KWD" })
  })

  test("stays when a price would be beyond all prices, or a rate is none", async () => {
    for (const [rate, code] of [
      ["999999999", "price_out_of_range"],
      ["0", "invalid_input"],
      ["1e3", "invalid_input"],
    ]) {
      expect((await settings({ currency: "KWD", convertPricesAt: rate })).body.code).toBe(code)
    }
    expect((await api.call("GET", at(""))).body.currency).toBe("EUR")
  })

  test("a booking of an earlier currency is not moved at new prices, and its no-show costs no fee of another", async () => {
    const { db } = api.database
    await fee()
    const { body } = await book(1)
    await db`update slotbase.facilities set currency = 'JPY' where id = ${club}`
    const moved = await post(`/bookings/${body.id}/reschedule`, atHour(3))
    expect([moved.status, moved.body.code]).toEqual([409, "currency_changed"])
    await db`select slotbase.move_clock(${body.startAt}::timestamptz + interval '50 minutes' - slotbase.now())`
    expect((await post(`/bookings/${body.id}/no-show`)).status).toBe(200)
    expect(await db`select * from slotbase.charges where facility_id = ${club}`).toHaveLength(0)
  })
})

describe("the time zone", () => {
  test("changes under bookings only when the request says what they keep", async () => {
    const { body } = await book(1)
    const refused = await settings({ timezone: "Asia/Tokyo" })
    expect([refused.status, refused.body.code]).toEqual([409, "timezone_moves"])
    expect(refused.body.detail).toStartWith("These stand in UTC: 1 bookings. ")
    const changed = await settings({ timezone: "Asia/Tokyo", timezoneMoves: "keep_instant" })
    expect(changed.body.timezone).toBe("Asia/Tokyo")
    expect((await get(`/bookings/${body.id}`)).body.startAt).toBe(body.startAt)
  })

  test("changes without a question where nothing stands", async () => {
    expect((await settings({ timezone: "Asia/Tokyo" })).status).toBe(200)
  })
})
