// Keeping a time, in Chromium: somebody is quicker, or the answer is lost.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { type BrowserClub, browserClub, dayAhead } from "#test/web/booking/club.ts"

let club: BrowserClub

beforeAll(async () => {
  club = await browserClub()
}, 90_000)
afterAll(() => club?.close())

const cell = (page: Page, label: string) => page.locator(`td[role=gridcell][aria-label^="${label}"]`)
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().press("Enter")

test("a time that staff give away while the sheet is open leads to the waitlist", async () => {
  const page = await club.open(club.ben)
  await cell(page, "Court 1, 09:00").press("Enter")
  await page.getByRole("dialog").waitFor()
  await club.book(club.mia, 0, dayAhead + 9)
  await press(page, "Keep this time for me")
  await press(page, "Put me on the waitlist")
  await page.getByText("You are on the waitlist.").waitFor()
  await page.context().close()
})

test("a hold whose answer was lost is asked for again, and is one hold", async () => {
  const page = await club.open(club.mia)
  let lost = 0
  await page.route("**/holds", async (route) => {
    await route.fetch()
    lost++
    await route.abort("internetdisconnected")
  })
  await cell(page, "Court 2, 09:00").press("Enter")
  await press(page, "Keep this time for me")
  await page.getByText("The club’s server can’t be reached just now.").waitFor()
  await page.unroute("**/holds")
  await press(page, "Keep this time for me")
  await page.getByText("Still possible 10 times.").waitFor()
  expect(lost).toBe(1)
  await page.context().close()
})

test("who is a member no longer follows the day as everybody does", async () => {
  const page = await club.open(club.ben)
  const again = page.waitForEvent("websocket")
  const role = `role=player&scopeType=facility&scopeId=${club.facilityId}`
  await club.call("DELETE", `/v1/users/${club.ben.id}/roles?${role}`)
  await again
  await club.hold(club.mia, 2, 18)
  await cell(page, "Court 3, 18:00–19:00, on hold").waitFor()
  await page.context().close()
})
