// The booking page as the server sends it: the day without a script, the headers that bind the script, and its session.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { loadAssets } from "#pages/assets.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { makeCourts } from "#test/harness/api/booking-api.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { dayOf, everyDay, hoursFrom } from "#test/harness/club/hours.ts"

let api: TestApi
let its: Awaited<ReturnType<typeof makeCourts>>
const date = dayOf(24)

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
})
afterAll(() => api.database.drop())

const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  api.server.handle(new Request(`http://slotbase.test${path}`, { method, headers }))
const page = (query = `?date=${date}`, headers = {}) => ask(`/f/${its.facilityId}${query}`, headers)
const settings = (body: object) => api.call("PATCH", `/v1/facilities/${its.facilityId}/settings`, { body })
const policyOf = (answer: Response) =>
  new Map(
    (answer.headers.get("content-security-policy") ?? "").split("; ").map((each) => {
      const [name = "", ...values] = each.split(" ")
      return [name, values] as const
    }),
  )

test("a club that shows its times to members alone sends no time, and a name", async () => {
  const html = await (await page()).text()
  expect(html).toContain("This club shows its times only to members. Sign in to see them.")
  expect(html).not.toContain("<table")
  expect(html).toContain('"day":null')
})

test("the day stands in the HTML: each court, each hour, what is free and what is taken", async () => {
  await settings({ publicAvailability: true, name: 'Club </script><img src=x onerror="alert(1)">' })
  const body = { resourceId: its.court, ...hoursFrom(30, 1), bookerId: its.player.id, paymentMethod: "offline" }
  expect((await api.call("POST", `/v1/facilities/${its.facilityId}/bookings`, { body })).status).toBe(201)
  const html = await (await page()).text()
  expect(html.match(/<tr><th scope="row">/g)).toHaveLength(24)
  expect(html.match(/class="cell booked"/g)).toHaveLength(1)
  expect(html).toContain("€24")
  expect(html).toContain(`/f/${its.facilityId}?date=${dayOf(0)}`)
})

test("nothing that a club is named ends an element", async () => {
  const html = await (await page()).text()
  expect(html).not.toContain("<img")
  expect(html).toContain("Club &lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;")
  const json = /<script type="application\/json" id="facts">(.*?)<\/script>/s.exec(html)?.[1] ?? ""
  expect(JSON.parse(json)).toMatchObject({
    facility: { id: its.facilityId, name: 'Club </script><img src=x onerror="alert(1)">' },
    date,
    stripeKey: null,
  })
})

test("German by the browser's wish or the address, and a day or a court that makes no sense is left out", async () => {
  const german = await (await page(undefined, { "accept-language": "fr, de-AT;q=0.8, en;q=0.5" })).text()
  expect(german).toContain('<html lang="de">')
  expect(german).toContain("belegt")
  expect(await (await page("?lang=de")).text()).toContain('<html lang="de">')
  const odd = await (await page("?date=2026-02-30&court=1%27--&lang=xx")).text()
  expect(odd).toContain('"court":null')
  expect(odd).not.toContain("2026-02-30")
  const one = await (await page(`?date=${date}&court=${its.court}`)).text()
  expect(one.match(/<th scope="col">/g)).toHaveLength(1)
})

test("every day that a club can book has its own hours, however far ahead, and a day beyond is left out", async () => {
  const berlin = await buildClub(api.builder, {
    facility: { timezone: "Europe/Berlin", openingHours: everyDay("07:00", "22:00") },
    courts: ["court"],
  })
  await api.call("PATCH", `/v1/facilities/${berlin.id}/settings`, { body: { publicAvailability: true } })
  const year = Number(date.slice(0, 4))
  for (const [day, name] of [
    [`${year + 9}-01-15`, "15 January"],
    [`${year + 9}-07-15`, "15 July"],
  ] as const) {
    const html = await (await ask(`/f/${berlin.id}?date=${day}&lang=en`)).text()
    expect(html).toMatch(new RegExp(`<h1 class="dayname">\\w+, ${name} ${year + 9}</h1>`))
    expect(html.match(/<th scope="row">(.*?)</)?.[1]).toBe("07:00")
  }
  expect(await (await page(`?date=${year + 12}-01-15`)).text()).not.toContain(`${year + 12}-01-15`)
})

test("without a script there are ways to any day and to the other language", async () => {
  const html = await (await page(`?date=${date}&lang=en&court=${its.court}`)).text()
  expect(html).toContain(`<input type="date" name="date" value="${date}"`)
  expect(html).toContain(`<input type="hidden" name="court" value="${its.court}">`)
  expect(html).toContain(`href="/f/${its.facilityId}?date=${date}&amp;lang=de&amp;court=${its.court}">Deutsch</a>`)
})

test("only the page's own script runs, and nobody holds the page in a frame", async () => {
  const [first, second] = [await page(), await page()]
  const policy = policyOf(first)
  const nonce = /<script type="module" nonce="([\w-]{24})"/.exec(await first.text())?.[1]
  expect(policy.get("default-src")).toEqual(["'none'"])
  expect(policy.get("script-src")).toEqual([`'nonce-${nonce}'`, "'strict-dynamic'"])
  expect(policy.get("frame-ancestors")).toEqual(["'none'"])
  expect(policy.get("base-uri")).toEqual(["'none'"])
  expect(policy.get("script-src")).not.toEqual(policyOf(second).get("script-src"))
  expect(first.headers.get("content-security-policy")).not.toMatch(/unsafe|https:|\*/)
  expect(first.headers.get("x-frame-options")).toBe("DENY")
  expect(first.headers.get("x-content-type-options")).toBe("nosniff")
})

test("the sites that the facility names may hold it in a frame, and no other", async () => {
  await settings({ embedOrigins: ["https://club.example", "https://www.club.example:8443"] })
  const answer = await page()
  const ancestors = ["'self'", "https://club.example", "https://www.club.example:8443"]
  expect(policyOf(answer).get("frame-ancestors")).toEqual(ancestors)
  expect(answer.headers.get("x-frame-options")).toBeNull()
})

test("an address without a club is a 404 page, and the platform itself is no club", async () => {
  for (const id of ["nowhere", "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01", "00000000-0000-0000-0000-000000000000"]) {
    const answer = await ask(`/f/${id}`)
    expect(answer.status).toBe(404)
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8")
    expect(await answer.text()).toContain("<h1>There is no club at this address.</h1>")
  }
  const german = await ask("/f/nowhere", { "accept-language": "de" })
  expect(await german.text()).toContain("<h1>Unter dieser Adresse gibt es keinen Verein.</h1>")
})

test("the script has at most 130 KB compressed, is kept for ever, and comes in the encoding that is asked for", async () => {
  const { byName, script } = await loadAssets()
  const first = byName.get(script.split("/").at(-1) ?? "")
  expect(first?.gzip.length).toBeLessThan(130_000)
  for (const [accepted, encoding, decode] of [
    ["gzip, br", "br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["br;q=0", null, (bytes: Uint8Array) => bytes],
  ] as const) {
    const answer = await ask(script, { "accept-encoding": accepted })
    expect(answer.headers.get("content-encoding")).toBe(encoding)
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable")
    const text = new TextDecoder().decode(decode(new Uint8Array(await answer.arrayBuffer())))
    expect(text).toBe(new TextDecoder().decode(first?.plain))
    expect((await ask(script, { "if-none-match": answer.headers.get("etag") ?? "" })).status).toBe(304)
  }
  expect((await ask("/f/assets/..%2f..%2fpackage.json")).status).toBe(404)
})

test("nothing that the page loads names an address outside, but for Stripe's script", async () => {
  const { byName, worker, embed } = await loadAssets()
  const known =
    /^https?:\/\/(?:js\.stripe\.com\/v3|www\.w3\.org\/|react\.dev\/errors|react-spectrum\.|developer\.mozilla)/
  const texts = [...byName.values(), worker, embed].map(({ plain }) => new TextDecoder().decode(plain))
  const named = texts.flatMap((text) => text.match(/https?:\/\/[\w.-]+[\w./-]*/g) ?? [])
  expect(named.filter((address) => !known.test(address))).toEqual([])
})

test("the session's cookie is read by no script, comes back to its own address alone, and never from another site", async () => {
  const own = { "x-slotbase-page": "1" }
  const kept = await ask("/f/session", { ...own, authorization: `Bearer ${its.player.token}` }, "PUT")
  expect(kept.status).toBe(204)
  const cookie = kept.headers.get("set-cookie") ?? ""
  expect(cookie).toMatch(/^slotbase=sbs_[\w-]+; Path=\/f\/session; Max-Age=25\d{5}; HttpOnly; SameSite=Strict$/)
  const [pair = ""] = cookie.split(";")
  const back = await ask("/f/session", { ...own, cookie: pair }, "POST")
  expect(await back.json()).toEqual({ token: its.player.token })
  expect(back.headers.get("cache-control")).toBe("no-store")
  // The API takes no cookie, and the address takes no request that another site could make.
  expect((await ask("/v1/me", { cookie: pair })).status).toBe(401)
  expect((await ask("/f/session", { cookie: pair }, "POST")).status).toBe(403)
  const foreign = { ...own, cookie: pair, "sec-fetch-site": "cross-site" }
  expect((await ask("/f/session", foreign, "POST")).status).toBe(403)
  expect((await ask("/f/session", { ...own, cookie: pair }, "DELETE")).headers.get("set-cookie")).toContain("Max-Age=0")
  await api.call("DELETE", "/v1/sessions", { token: its.player.token })
  const ended = await ask("/f/session", { ...own, cookie: pair }, "POST")
  expect([ended.status, ended.headers.get("set-cookie")?.includes("Max-Age=0")]).toEqual([204, true])
})

test("a key is no session of the page, and neither is a made-up token", async () => {
  const own = { "x-slotbase-page": "1" }
  const key = await ask("/f/session", { ...own, authorization: "Bearer root-key-of-the-tests-0123456789" }, "PUT")
  expect(key.status).toBe(403)
  expect((await ask("/f/session", { ...own, authorization: "Bearer sbs_made_up" }, "PUT")).status).toBe(401)
  expect((await ask("/f/session", own, "POST")).status).toBe(204)
})
