// The booking page in Chromium. It is alive between two browsers, and goes by keyboard alone. It has no serious fault
// of accessibility, and is right again after the network or the server was away.

import { afterAll, beforeAll, expect, test } from "bun:test"
import jsQR from "jsqr"
import type { Page } from "playwright-core"
import sharp from "sharp"
import { dayOf } from "#test/harness/club/hours.ts"
import { startLostNetwork } from "#test/harness/outside/lost-network.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, cellsOf, dayAhead, seriousFaults } from "./club.ts"

let club: BrowserClub
const faults: string[] = []

beforeAll(async () => {
  club = await browserClub()
}, 90_000)
afterAll(() => club?.close())

/** A page that reports what its policy stopped, and what its script threw. */
const open: BrowserClub["open"] = async (...args) => {
  const page = await club.open(...args)
  page.on("pageerror", ({ message }) => faults.push(message))
  page.on("console", (said) => /Content Security Policy|violat/i.test(said.text()) && faults.push(said.text()))
  return page
}
const cell = (page: Page, label: string) => page.locator(`td[role=gridcell][aria-label^="${label}"]`)
const focused = (page: Page) =>
  page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
const pressUntil = async (page: Page, key: string, isThere: (said: string) => boolean) => {
  for (let presses = 0; presses < 40; presses++) {
    if (isThere(String(await focused(page)))) return
    await page.keyboard.press(key)
  }
  throw new Error(`${key} leads elsewhere: ${await focused(page)}`)
}

test("what one person holds, the other one's page shows at once, and the focus stays where it was", async () => {
  const [ben, guest] = await Promise.all([open(club.ben), open()])
  const mark = `new Promise((done) => {
    const cell = document.querySelector("td[aria-label^='Court 1, 10:00']")
    const look = () => cell.className.includes("held") && done(Date.now())
    new MutationObserver(look).observe(cell, { attributes: true })
    look()
  })`
  await cell(ben, "Court 1, 10:00").focus()
  const [seen, seenByGuest] = [ben.evaluate(mark), guest.evaluate(mark)]
  const asked = Date.now()
  await club.hold(club.mia, 0, 10)
  const answered = Date.now()
  const [took, tookGuest] = [Number(await seen) - answered, Number(await seenByGuest) - answered]
  if (process.env.SHOW_TIMES)
    console.log(`held in ${answered - asked} ms; seen after ${took} ms, without an account after ${tookGuest} ms`)
  expect(took).toBeLessThan(1_000)
  expect(tookGuest).toBeLessThan(1_000)
  expect(await focused(ben)).toBe("Court 1, 10:00–11:00, on hold")
  expect(await ben.locator("[data-spoken]").textContent()).toBe("")
  await eventually(async () =>
    expect(await ben.locator("[data-spoken]").textContent()).toBe("Changed: Court 1, 10:00–11:00, on hold."),
  )
  await Promise.all([ben.context().close(), guest.context().close()])
})

test("the grid has a name, one tab stop, true counts, and goes by arrows, Home, End and Page keys", async () => {
  const page = await open()
  const grid = page.getByRole("grid")
  expect(await grid.getAttribute("aria-label")).toStartWith("Courts on ")
  expect([await grid.getAttribute("aria-rowcount"), await grid.getAttribute("aria-colcount")]).toEqual(["13", "4"])
  expect(await grid.locator("[tabindex='0']").count()).toBe(1)
  expect(await page.getByRole("row").count()).toBe(13)
  const clipped = () =>
    grid.locator("thead th").evaluateAll((all) => {
      const last = all.at(-1)
      if (last) last.textContent = "Indoor Court"
      return all.filter((each) => each.scrollWidth > each.clientWidth).length
    })
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await clipped()).toBe(0)
  await page.setViewportSize({ width: 1280, height: 720 })
  await pressUntil(page, "Tab", (said) => said.startsWith("Court 1, 08:00"))
  const walk: readonly (readonly [key: string, place: string])[] = [
    ["ArrowRight", "Court 2, 08:00–09:00"],
    ["ArrowDown", "Court 2, 09:00–10:00"],
    ["End", "Court 3, 09:00–10:00"],
    ["ArrowRight", "Court 3, 09:00–10:00"],
    ["Home", "Court 1, 09:00–10:00"],
    ["Control+End", "Court 3, 19:00–20:00"],
    ["ArrowUp", "Court 3, 18:00–19:00"],
    ["Control+Home", "Court 1, 08:00–09:00"],
    ["ArrowDown", "Court 1, 09:00–10:00"],
  ]
  for (const [key, place] of walk) {
    await page.keyboard.press(key)
    expect(await focused(page)).toStartWith(place)
  }
  const day = await page.locator(".dayname").textContent()
  await page.keyboard.press("PageDown")
  await eventually(async () => expect(await grid.getAttribute("aria-busy")).toBe("false"))
  expect(await page.locator(".dayname").textContent()).not.toBe(day)
  expect(await focused(page)).toStartWith("Court 1, 09:00–10:00")
  await page.keyboard.press("PageUp")
  expect(await page.locator(".dayname").textContent()).toBe(day)
  await page.context().close()
})

test("somebody new books from nothing to paid by keyboard alone, and no state has a serious fault", async () => {
  const page = await open()
  const begun = Date.now()
  expect(await seriousFaults(page)).toEqual([])
  await pressUntil(page, "Tab", (said) => said.startsWith("Court 1, 08:00"))
  for (const key of ["ArrowDown", "ArrowRight", "Enter"]) await page.keyboard.press(key)
  await page.getByRole("dialog").waitFor()
  expect(await focused(page)).toBe("Keep this time for me")
  expect(await seriousFaults(page)).toEqual([])
  await page.keyboard.press("Enter")
  await page.getByLabel("E-mail address").waitFor()
  await pressUntil(page, "Tab", (said) => said === "I am new here")
  await page.keyboard.press("Enter")
  await page.getByLabel("First name").waitFor()
  expect(await seriousFaults(page)).toEqual([])
  for (const text of ["kim@example.com", "a dozen green apples", "Kim", "Vogel"]) {
    await page.keyboard.type(text)
    await page.keyboard.press(text === "Vogel" ? "Enter" : "Tab")
  }
  await page.getByRole("button", { name: "Keep this time for me" }).waitFor()
  await pressUntil(page, "Tab", (said) => said === "Keep this time for me")
  await page.keyboard.press("Enter")
  await page.getByText("Kept for you for").first().waitFor()
  expect(await seriousFaults(page)).toEqual([])
  await page.keyboard.press("m")
  await page.getByText("Still possible 9 times.").waitFor()
  await pressUntil(page, "Tab", (said) => said.startsWith("Pay "))
  await page.keyboard.press("Enter")
  await page.getByText("is yours. A confirmation is on its way to you.").first().waitFor()
  if (process.env.SHOW_TIMES) console.log(`from nothing to paid in ${Date.now() - begun} ms, with axe in between`)
  expect(await seriousFaults(page)).toEqual([])
  await page.keyboard.press("Enter")
  await page.getByRole("heading", { name: "My bookings" }).waitFor()
  await page.getByRole("heading", { name: "Court 2" }).waitFor()
  expect(await seriousFaults(page)).toEqual([])
  // The session outlives a reload, and no script can read it.
  await page.reload()
  await page.getByRole("navigation").waitFor()
  expect(await page.evaluate("document.cookie + JSON.stringify(localStorage)")).not.toContain("sbs_")
  await page.context().close()
}, 60_000)

test("a lost network, and a server that is killed, leave a notice and nothing wrong", async () => {
  const page = await open(club.ben)
  await page.context().setOffline(true)
  await page.evaluate("window.dispatchEvent(new Event('offline'))")
  for (const [court, hour] of [
    [0, 12],
    [1, 13],
    [2, 14],
  ] as const)
    await club.hold(club.mia, court, hour)
  await club.kill()
  const notice = page.getByText("The connection is lost.")
  await notice.waitFor()
  await club.start()
  await club.hold(club.mia, 2, 16)
  await page.context().setOffline(false)
  await notice.waitFor({ state: "detached" })
  const fresh = await open(club.ben)
  await eventually(async () => expect(await cellsOf(page)).toEqual(await cellsOf(fresh)))
  expect((await cellsOf(page)).filter((label) => label.endsWith("on hold"))).toContain("Court 3, 16:00–17:00, on hold")
  // Alive again: the next change comes by itself.
  await club.hold(club.mia, 0, 18)
  await eventually(async () => expect(await cellsOf(page)).toContain("Court 1, 18:00–19:00, on hold"))
  await Promise.all([page.context().close(), fresh.context().close()])
}, 60_000)

/** The long form has a minute: SLOTBASE_AWAY_SECONDS=60 */
const awaySeconds = Number(process.env.SLOTBASE_AWAY_SECONDS ?? 2)

test.each(["cut", "silent"] as const)(
  "a network that is %s for a while, as others book and cancel, leaves the page like a fresh one",
  async (how) => {
    const network = await startLostNetwork(Number(new URL(club.address).port))
    const ahead = how === "cut" ? 72 : 96
    const page = await open(club.ben, { at: network.url, ahead })
    const notice = page.getByText("The connection is lost.")
    network.lose(how)
    const until = performance.now() + awaySeconds * 1_000
    const booked = new Map<string, string>()
    for (let n = 0; n < 30 || booked.size < 3 || performance.now() < until; n++) {
      const [court, hour] = [n % 3, 8 + ((n * 5) % 12)]
      const id = booked.get(`${court} ${hour}`)
      if (id === undefined) booked.set(`${court} ${hour}`, await club.book(club.mia, court, ahead + hour))
      else {
        await club.cancel(id)
        booked.delete(`${court} ${hour}`)
      }
    }
    if (how === "cut") await notice.waitFor()
    network.restore()
    const fresh = await open(club.ben, { ahead })
    const cells = await cellsOf(fresh)
    expect(cells.filter((label) => label.endsWith("taken"))).toHaveLength(booked.size)
    await eventually(async () => expect(await cellsOf(page)).toEqual(cells), { withinMs: 60_000 })
    await notice.waitFor({ state: "detached" })
    // Alive again: the next change comes by itself.
    const [[place = "", id = ""] = []] = booked
    await club.cancel(id)
    const free = `Court ${Number(place[0]) + 1}, ${place.split(" ")[1]?.padStart(2, "0")}:00`
    await cell(page, free).and(page.locator(".free")).waitFor()
    await Promise.all([page.context().close(), fresh.context().close()])
    network.stop()
  },
  awaySeconds * 1_000 + 90_000,
)

test("a network that is silent without a word is noticed within 35 seconds of the page's clock", async () => {
  const network = await startLostNetwork(Number(new URL(club.address).port))
  const page = await open(club.ben, { at: network.url })
  // The clock stands still for the page alone: what the browser does with its connections takes its real time.
  await page.clock.install()
  await page.reload()
  await page.getByRole("navigation").waitFor()
  await club.hold(club.mia, 1, 17)
  await cell(page, "Court 2, 17:00").and(page.locator(".held")).waitFor()
  network.lose("silent")
  const notice = page.getByText("The connection is lost.")
  await page.clock.runFor(35_000)
  await notice.waitFor({ timeout: 5_000 })
  network.restore()
  await page.clock.runFor(10_000)
  await notice.waitFor({ state: "detached" })
  await page.context().close()
  network.stop()
})

test("after a closure of a year the page shows the day as a fresh one does, and goes on hearing changes", async () => {
  const ahead = 240
  const page = await open(club.ben, { ahead })
  const closures = `/v1/facilities/${club.facilityId}/closures`
  const [startDate, endDate] = [dayOf(ahead - 24), dayOf(ahead + 24 * 340)]
  const closed = (await club.call("POST", closures, { startDate, endDate, reason: "We build a hall." })) as {
    id: string
  }
  const isAll = async (state: string) =>
    expect(new Set((await cellsOf(page)).map((label) => label.split(", ")[2]))).toEqual(new Set([state]))
  await eventually(() => isAll("closed"))
  await club.call("DELETE", `${closures}/${closed.id}`)
  await eventually(() => isAll("free"))
  await club.book(club.mia, 0, ahead + 9)
  await cell(page, "Court 1, 09:00").and(page.locator(".booked")).waitFor()
  const fresh = await open(club.ben, { ahead })
  expect(await cellsOf(page)).toEqual(await cellsOf(fresh))
  await Promise.all([page.context().close(), fresh.context().close()])
})

test("an answer from before the network was lost does not take its notice back", async () => {
  const page = await open(club.ben)
  const later = Promise.withResolvers<void>()
  let asked = 0
  await page.route("**/availability?*", async (route) => {
    if (++asked > 1) return route.abort("internetdisconnected")
    await later.promise
    await route.fulfill({ status: 304 })
  })
  await page.evaluate("window.dispatchEvent(new Event('online'))")
  await eventually(() => expect(asked).toBe(1))
  const lost = page.waitForEvent("requestfailed")
  await page.evaluate("window.dispatchEvent(new Event('offline'))")
  await lost
  later.resolve()
  const notice = page.getByText("The connection is lost.")
  await notice.waitFor()
  await page.unroute("**/availability?*")
  await notice.waitFor({ state: "detached" })
  await page.context().close()
})

test("the check-in code on the screen can be read, by day and by night, and says what the club's desk expects", async () => {
  const id = await club.book(club.ben, 2, dayAhead + 8)
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await open(club.ben, { context: { colorScheme, viewport: { width: 390, height: 844 } } })
    await page.getByRole("button", { name: "My bookings" }).click()
    await page.getByRole("button", { name: "Check-in code" }).first().click()
    const picture = await page.getByRole("img", { name: "Check-in code" }).screenshot()
    const { data, info } = await sharp(picture).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
    const read = jsQR(new Uint8ClampedArray(data), info.width, info.height)
    const code = `/v1/facilities/${club.facilityId}/bookings/${id}/check-in-code`
    const { qrPayload, accessCode } = (await club.call("GET", code, undefined, club.ben.token)) as Record<
      string,
      string
    >
    expect(read?.data).toBe(qrPayload as string)
    expect(await page.locator(".letters").textContent()).toBe(accessCode as string)
    await page.context().close()
  }
})

test("a site that the facility names holds the page at its height, and no other site holds it", async () => {
  const embed = `<script async src="${club.address}/f/embed.js" data-facility="${club.facilityId}" data-court="${club.courts[0]}"></script>`
  const fetch = () =>
    new Response(`<!doctype html><h1>Our club</h1>${embed}`, { headers: { "content-type": "text/html" } })
  const [named, stranger] = [Bun.serve({ port: 0, fetch }), Bun.serve({ port: 0, fetch })]
  const embedOrigins = [`http://localhost:${named.port}`]
  await club.call("PATCH", `/v1/facilities/${club.facilityId}/settings`, { embedOrigins })
  const context = await club.browser.newContext()
  const page = await context.newPage()
  await page.goto(`http://localhost:${named.port}/`)
  const frame = page.frameLocator("iframe")
  await frame.getByRole("grid").waitFor()
  expect(await frame.getByRole("columnheader").allTextContents()).toEqual(["Time", "Court 1"])
  const height = "parseInt(document.querySelector('iframe').style.height)"
  await eventually(async () => expect(await page.evaluate(height)).toBeGreaterThan(700))
  await page.goto(`http://localhost:${stranger.port}/`)
  await eventually(() => expect(page.frames().map((each) => each.url())).toContain("chrome-error://chromewebdata/"))
  await context.close()
  await Promise.all([named.stop(true), stranger.stop(true)])
})

test("no page broke its policy or threw", () => {
  expect(faults).toEqual([])
})
