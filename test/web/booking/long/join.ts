// Somebody with an account joins the club on its booking page, in Chromium.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { password, type SignedUp } from "#test/harness/api/over-api.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, pageUrl, seriousFaults } from "#test/web/booking/club.ts"

let club: BrowserClub

beforeAll(async () => {
  club = await browserClub()
}, 90_000)
afterAll(() => club?.close())

const cell = (page: Page, label: string) => page.locator(`td[role=gridcell][aria-label^="${label}"]`)
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })
const isFocused = (page: Page, name: string) =>
  eventually(async () => expect(await page.evaluate("document.activeElement.textContent")).toBe(name))
const rolesOf = async ({ token }: SignedUp) =>
  ((await club.call("GET", "/v1/me", undefined, token)) as { roles: readonly object[] }).roles
const player = () => ({ role: "player", scopeType: "facility", scopeId: club.facilityId })
const showsToAll = (publicAvailability: boolean) =>
  club.call("PATCH", `/v1/facilities/${club.facilityId}/settings`, { publicAvailability })

test("who is signed in without being a member is asked to join at a free time, presses once, and keeps the time", async () => {
  const kim = await club.stranger()
  const page = await club.open(kim)
  await cell(page, "Court 1, 09:00").click()
  await page.getByText("Join Riverside?").waitFor()
  expect(await button(page, "Keep this time for me").count()).toBe(0)
  await isFocused(page, "Join Riverside")
  expect(await seriousFaults(page)).toEqual([])
  await page.keyboard.press("Enter")
  await isFocused(page, "Keep this time for me")
  expect(await page.locator("[data-spoken]").textContent()).toBe("You are a member of Riverside now.")
  expect(await rolesOf(kim)).toEqual([player()])
  await page.keyboard.press("Enter")
  await page.getByText("Kept for you:").first().waitFor()
  // It lasts: after a reload nobody is asked again.
  await page.reload()
  await cell(page, "Court 2, 10:00").click()
  await button(page, "Keep this time for me").waitFor()
  await page.context().close()
})

test("who signs in while booking is asked next, and the chosen time stays", async () => {
  const lee = await club.stranger()
  const page = await club.open()
  await cell(page, "Court 3, 11:00").click()
  await button(page, "Keep this time for me").click()
  await page.getByLabel("E-mail address").fill(lee.email)
  await page.getByLabel("Password").fill(password)
  await page.keyboard.press("Enter")
  await button(page, "Join Riverside").click()
  await button(page, "Keep this time for me").click()
  await page.getByText("Kept for you:").first().waitFor()
  await cell(page, "Court 3, 11:00").and(page.locator(".mine")).waitFor({ state: "attached" })
  await page.context().close()
})

test("a role in an organization that does not run the club is no membership, and the page asks", async () => {
  const sam = await club.stranger()
  const { id: scopeId } = (await club.call("POST", "/v1/organizations", { name: "Elsewhere" })) as { id: string }
  await club.call("POST", `/v1/users/${sam.id}/roles`, { role: "staff", scopeType: "organization", scopeId })
  const page = await club.open(sam)
  await cell(page, "Court 3, 18:00").click()
  await button(page, "Join Riverside").click()
  await button(page, "Keep this time for me").waitFor()
  expect(await rolesOf(sam)).toHaveLength(2)
  await page.context().close()
})

test("a taken time leads over the joining to the waitlist", async () => {
  await club.hold(club.mia, 1, 12)
  const page = await club.open(await club.stranger())
  await cell(page, "Court 2, 12:00").click()
  await button(page, "Join Riverside").click()
  await button(page, "Put me on the waitlist").click()
  await page.getByText("You are on the waitlist.").waitFor()
  await page.context().close()
})

test("a club that shows its times to members says so in German, and shows them after the joining, alive", async () => {
  await showsToAll(false)
  const noa = await club.stranger()
  const page = await signedInAt(noa, "&lang=de")
  await page.getByText("Dieser Verein zeigt seine Zeiten nur Mitgliedern.", { exact: true }).waitFor()
  await page.getByText("Riverside beitreten?").waitFor()
  expect(await seriousFaults(page)).toEqual([])
  await button(page, "Riverside beitreten").click()
  await page.getByRole("grid").waitFor()
  await club.hold(club.mia, 0, 14)
  await cell(page, "Court 1, 14:00").and(page.locator(".held")).waitFor()
  await page.context().close()
  await showsToAll(true)
})

test("whom the club has removed is told so, in the page's language, and stays outside", async () => {
  const pat = await club.stranger()
  await club.call("POST", "/v1/me/memberships", { facilityId: club.facilityId }, pat.token)
  await club.call("DELETE", `/v1/users/${pat.id}/roles?${new URLSearchParams(player())}`)
  for (const [query, join, says] of [
    ["", "Join Riverside", "The club has ended your membership. Ask the club to add you again."],
    ["&lang=de", "Riverside beitreten", "Der Verein hat deine Mitgliedschaft beendet."],
  ] as const) {
    const page = await club.open(pat, { query })
    await cell(page, "Court 3, 16:00").click()
    await button(page, join).click()
    await page.getByRole("alert").filter({ hasText: says }).waitFor()
    await page.context().close()
  }
  expect(await rolesOf(pat)).toEqual([])
})

/** The page of somebody who does not see the day yet. */
async function signedInAt(who: SignedUp, query: string): Promise<Page> {
  const context = await club.browser.newContext({ timezoneId: "UTC", locale: "en-GB", reducedMotion: "reduce" })
  const page = await context.newPage()
  await page.goto(pageUrl(club, query))
  const headers = { "x-slotbase-page": "1", authorization: `Bearer ${who.token}` }
  await page.evaluate((headers) => fetch("/f/session", { method: "PUT", headers }).then(() => {}), headers)
  await page.reload()
  await page.getByRole("navigation").waitFor()
  return page
}
