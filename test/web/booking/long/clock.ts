// Days and hours on the page, in Chromium: a time that begins, days far ahead, and hours that the clocks repeat.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, cellsOf } from "#test/web/booking/club.ts"

let club: BrowserClub

beforeAll(async () => {
  club = await browserClub()
  await club.call("PATCH", `/v1/facilities/${club.facilityId}/settings`, {
    timezone: "Europe/Berlin",
    openingHours: Object.fromEntries(days.map((day) => [day, [{ open: "00:00", close: "24:00" }]])),
  })
}, 90_000)
afterAll(() => club?.close())

const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const

async function openDay(date: string): Promise<Page> {
  const context = await club.browser.newContext({ timezoneId: "Pacific/Apia", locale: "en-GB" })
  const page = await context.newPage()
  await page.goto(`${club.address}/f/${club.facilityId}?date=${date}`)
  await page.getByRole("grid").waitFor()
  return page
}
const firstOf = (page: Page) => page.locator("tbody th").first().textContent()
/** The last Sunday of a month of the year after next. */
function changeIn(month: number): string {
  const last = new Date(Date.UTC(new Date().getUTCFullYear() + 2, month, 0))
  return new Date(last.getTime() - last.getUTCDay() * 86_400_000).toISOString().slice(0, 10)
}

test.each([3, 6, 9])("a summer's day %d years ahead begins at midnight", async (years) => {
  const page = await openDay(`${new Date().getUTCFullYear() + years}-07-10`)
  expect(await firstOf(page)).toBe("00:00")
  await page.context().close()
})

test("a day beyond those that the page knows opens today", async () => {
  const page = await openDay("2199-07-10")
  const { today } = JSON.parse((await page.locator("#facts").textContent()) ?? "") as { today: string }
  expect(await page.locator("input[type=date]").inputValue()).toBe(today)
  await page.context().close()
})

test("typing a day opens no day of another century", async () => {
  const page = await openDay(changeIn(6))
  const asked: string[] = []
  page.on("request", (request) => {
    const date = new URL(request.url()).searchParams.get("date")
    if (date !== null && request.url().includes("availability")) asked.push(date.slice(0, 2))
  })
  const year = new Date().getUTCFullYear() + 1
  await page.locator("input[type=date]").focus()
  await page.keyboard.type(`1007${year}`)
  await eventually(async () => expect(await page.locator(".dayname").textContent()).toMatch(/10 July|7 October/))
  expect(await page.locator("input[type=date]").inputValue()).toStartWith(String(year))
  expect(new Set(asked)).toEqual(new Set(["20"]))
  await page.context().close()
})

test("both hours that the clocks repeat name their offset, in the cells and in the sheet", async () => {
  const page = await openDay(changeIn(10))
  const cells = (await cellsOf(page)).filter((label) => label.startsWith("Court 1")).slice(1, 5)
  expect(cells.map((label) => label.split(", ")[1])).toEqual([
    "01:00–02:00\u00a0+02:00",
    "02:00\u00a0+02:00–02:00\u00a0+01:00",
    "02:00\u00a0+01:00–03:00",
    "03:00–04:00",
  ])
  await page.locator("td[aria-label^='Court 1, 02:00\u00a0+01:00']").click()
  await page.getByRole("dialog").getByText("02:00\u00a0+01:00–03:00").waitFor()
  await page.context().close()
})

test("the missing hour of spring is missing", async () => {
  const page = await openDay(changeIn(3))
  const hours = await page.locator("tbody th").allTextContents()
  expect(hours.slice(0, 4)).toEqual(["00:00", "01:00", "03:00", "04:00"])
  await page.context().close()
})

test("a time that begins can be booked no longer, without a word of the server", async () => {
  const context = await club.browser.newContext({ timezoneId: "UTC", locale: "en-GB" })
  const page = await context.newPage()
  await page.clock.install()
  await page.goto(`${club.address}/f/${club.facilityId}`)
  await page.getByRole("grid").waitFor()
  const free = page.locator("td[aria-label^='Court 1'].free").first()
  await eventually(async () => expect(await page.locator("td.free").count()).toBeGreaterThan(0))
  const label = (await free.getAttribute("aria-label"))?.split(", free")[0]
  await page.clock.fastForward("01:00:00")
  await page.locator(`td[aria-label="${label}, begun"]`).waitFor()
  await context.close()
})
