// The booking page in Chromium. It is alive between two browsers, and goes by keyboard alone. It has no serious fault
// of accessibility. What happens while the network or the server is away is in long/away.ts.

import { afterAll, beforeAll, expect, test } from "bun:test"
import jsQR from "jsqr"
import type { Page } from "playwright-core"
import sharp from "sharp"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, dayAhead, seriousFaults } from "./club.ts"

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
  await page.getByText("Kept for you:").first().waitFor()
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
