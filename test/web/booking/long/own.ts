// What a member has, in Chromium: cancelling, the waitlist, and the focus when something leaves the page.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, dayAhead } from "#test/web/booking/club.ts"

let club: BrowserClub

beforeAll(async () => {
  club = await browserClub()
}, 90_000)
afterAll(() => club?.close())

const cell = (page: Page, label: string) => page.locator(`td[role=gridcell][aria-label^="${label}"]`)
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().press("Enter")
const focused = (page: Page) =>
  page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.textContent")

test("a member cancels after the refund was explained, and the heading has the focus", async () => {
  const id = await club.book(club.ben, 0, dayAhead + 9)
  const page = await club.open(club.ben)
  await press(page, "My bookings")
  await press(page, "Cancel the booking")
  await page.getByText("Nothing was paid yet.").waitFor()
  await press(page, "Yes, cancel it")
  await page.getByText("You have no bookings ahead.").waitFor()
  const { status } = (await club.call("GET", `/v1/facilities/${club.facilityId}/bookings/${id}`)) as { status: string }
  expect(status).toBe("cancelled")
  await eventually(async () => expect(await focused(page)).toBe("H1 My bookings"))
  await page.context().close()
})

test("a wish is among one's own at once, and leaving it leaves the focus on the page", async () => {
  await club.book(club.mia, 1, dayAhead + 9)
  const page = await club.open(club.ben)
  await cell(page, "Court 2, 09:00").click()
  await press(page, "Put me on the waitlist")
  await page.getByText("You are on the waitlist.").waitFor()
  await page.keyboard.press("Escape")
  await press(page, "My bookings")
  await press(page, "Leave the waitlist")
  await page.getByText("You are on no waitlist.").waitFor()
  await eventually(async () => expect(await focused(page)).toBe("H1 My bookings"))
  await page.context().close()
})

test("giving a hold back leaves the focus on the page, and one's own changes are not told as those of others", async () => {
  const page = await club.open(club.ben)
  await page.evaluate(`window.said = []; new MutationObserver(() =>
    said.push(document.querySelector("[data-spoken]").textContent)
  ).observe(document.querySelector("[data-spoken]"), { childList: true, subtree: true, characterData: true })`)
  await cell(page, "Court 3, 10:00").press("Enter")
  await press(page, "Keep this time for me")
  await page.getByText("Kept for you:").first().waitFor()
  await page.keyboard.press("Escape")
  await press(page, "Give it back")
  await cell(page, "Court 3, 10:00–11:00, free").waitFor()
  await eventually(async () => expect(await focused(page)).toStartWith("H1 "))
  await club.hold(club.mia, 2, 12)
  const kept = "Kept for you: Court 3, 10:00–11:00"
  const told = "Changed: Court 3, 12:00–13:00, on hold."
  await eventually(async () => expect(await page.evaluate("said")).toEqual([kept, told]))
  await page.context().close()
})

test("the views of the page are places in the history, and a reload stays where one is", async () => {
  const page = await club.open(club.ben)
  await press(page, "My bookings")
  await press(page, "Account")
  await page.goBack()
  await page.getByRole("heading", { name: "My bookings" }).waitFor()
  await page.reload()
  await page.getByRole("heading", { name: "My bookings" }).waitFor()
  await page.goBack()
  await page.getByRole("grid").waitFor()
  await page.context().close()
})

test("a name without a space is wrapped in a narrow window", async () => {
  const [court] = club.courts
  const path = `/v1/facilities/${club.facilityId}/resources/${court}`
  await club.call("PATCH", path, { name: "Mittelplatz".repeat(8) })
  const page = await club.open(club.mia, { context: { viewport: { width: 320, height: 640 } } })
  await cell(page, "Mittelplatz").first().click()
  const tooWide =
    "document.querySelector('[role=dialog]').scrollWidth - document.querySelector('[role=dialog]').clientWidth"
  await page.getByRole("dialog").waitFor()
  expect(await page.evaluate(tooWide)).toBe(0)
  await press(page, "Keep this time for me")
  await page.getByText("Kept for you:").first().waitFor()
  await page.keyboard.press("Escape")
  await press(page, "My bookings")
  await page.getByRole("heading", { name: "Mittelplatz" }).waitFor()
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320)
  await club.call("PATCH", path, { name: "Court 1" })
  await page.context().close()
})
