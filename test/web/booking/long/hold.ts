// A hold on the page, in Chromium: more time, another window of the same person, and a session that ends.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, pageUrl } from "#test/web/booking/club.ts"

let club: BrowserClub

beforeAll(async () => {
  club = await browserClub()
}, 90_000)
afterAll(() => club?.close())

const cell = (page: Page, label: string) => page.locator(`td[role=gridcell][aria-label^="${label}"]`)
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().press("Enter")

/** Two windows of Ben. The first one has the sheet of a hold, the second one its bar. */
async function twoWindows(place: string): Promise<readonly [Page, Page]> {
  const page = await club.open(club.ben)
  const other = await page.context().newPage()
  await other.goto(pageUrl(club))
  await other.getByRole("navigation").waitFor()
  await cell(page, place).press("Enter")
  await press(page, "Keep this time for me")
  await page.getByText("Kept for you:").first().waitFor()
  return [page, other]
}

test("a key that is kept down gives more time once, and each time is said", async () => {
  const page = await club.open(club.ben)
  await page.evaluate(`window.said = []; new MutationObserver(() =>
    said.push(document.querySelector("[data-spoken]").textContent)
  ).observe(document.querySelector("[data-spoken]"), { childList: true, subtree: true, characterData: true })`)
  await cell(page, "Court 1, 08:00").press("Enter")
  await press(page, "Keep this time for me")
  await page.getByText("Still possible 10 times.").waitFor()
  await page.keyboard.down("m")
  for (const left of [9, 8]) {
    for (let n = 0; n < 5; n++) await page.keyboard.down("m")
    await page.getByText(`Still possible ${left} times.`).waitFor()
    for (let n = 0; n < 5; n++) await page.keyboard.down("m")
    await page.keyboard.up("m")
    if (left === 9) await page.keyboard.down("m")
  }
  expect(await page.getByText("Still possible 8 times.").count()).toBe(1)
  const said = (await page.evaluate("said")) as string[]
  expect(said.filter((text) => text.startsWith("More time"))).toHaveLength(2)
  await press(page, "Give it back")
  await page.context().close()
})

test("the last time leaves the focus on what it says, and not on the button that pays", async () => {
  const page = await club.open(club.mia)
  await cell(page, "Court 3, 08:00").press("Enter")
  await press(page, "Keep this time for me")
  await page.getByText("Still possible 10 times.").waitFor()
  const at = `/v1/facilities/${club.facilityId}`
  const held = (await club.call("GET", `${at}/bookings?limit=10`, undefined, club.mia.token)) as {
    data: readonly { id: string; status: string }[]
  }
  const id = held.data.find(({ status }) => status === "held")?.id
  for (let n = 0; n < 9; n++) await club.call("POST", `${at}/holds/${id}/extend`, {}, club.mia.token)
  await page.getByText("Still possible once.").waitFor()
  await press(page, "More time")
  await page.getByText("More time is not possible any more.").waitFor()
  expect(await page.evaluate("document.activeElement.textContent")).toBe("More time is not possible any more.")
  await page.context().close()
})

test("a hold that is given back in another window is no longer offered for payment", async () => {
  const [page, other] = await twoWindows("Court 1, 09:00")
  await press(other, "Give it back")
  await page.getByText("This time is no longer kept for you.").first().waitFor()
  expect(await page.getByRole("button", { name: /^Pay/ }).count()).toBe(0)
  await page.context().close()
})

test("a hold that is paid in another window is done in this one", async () => {
  const [page, other] = await twoWindows("Court 1, 10:00")
  await press(other, "Pay")
  await press(other, /^Pay .*\d/)
  await page.getByText("10:00–11:00 is yours.").first().waitFor()
  await page.context().close()
})

test("more time in another window is more time in this one", async () => {
  const [page, other] = await twoWindows("Court 1, 11:00")
  await press(other, "Pay")
  await other.getByText("Still possible 10 times.").waitFor()
  await other.keyboard.press("m")
  await page.getByText("Still possible 9 times.").waitFor()
  await press(page, "Give it back")
  await page.context().close()
})

test("who is signed out elsewhere while paying signs in again, and pays", async () => {
  const [email, password] = ["lea@example.com", "a dozen green apples"]
  const person = { email, password, firstName: "Lea", lastName: "Vogel", facilityId: club.facilityId }
  const { id } = (await club.call("POST", "/v1/users", person)) as { id: string }
  const { token } = (await club.call("POST", "/v1/sessions", { email, password })) as { token: string }
  const page = await club.open({ ...club.ben, id, token })
  await cell(page, "Court 2, 08:00").press("Enter")
  await press(page, "Keep this time for me")
  await page.getByText("Kept for you:").first().waitFor()
  await club.call("DELETE", "/v1/sessions", undefined, token)
  await page.getByText("You were signed out.").first().waitFor()
  await page.getByLabel("E-mail address").fill(email)
  await page.getByLabel("Password").fill(password)
  await page.keyboard.press("Enter")
  await press(page, /^Pay .*\d/)
  await page.getByText("08:00–09:00 is yours.").first().waitFor()
  await page.context().close()
})

test("who is signed out elsewhere sees the day, and why", async () => {
  const { token } = (await newSession()) as { token: string }
  const page = await club.open({ ...club.mia, token })
  await press(page, "My bookings")
  await page.getByRole("heading", { name: "My bookings" }).waitFor()
  await club.call("DELETE", "/v1/sessions", undefined, token)
  await page.getByRole("grid").waitFor()
  await page.getByText("You were signed out.").first().waitFor()
  await page.context().close()
})

test("a guest who follows a message's link sees the day", async () => {
  const page = await club.browser.newPage()
  await page.goto(`${pageUrl(club)}#messages`)
  await eventually(async () => expect(await page.getByRole("gridcell").count()).toBeGreaterThan(0))
  await page.close()
})

const newSession = async () => {
  const person = { email: "kim@example.com", password: "a dozen green apples", firstName: "Kim", lastName: "Vogel" }
  await club.call("POST", "/v1/users", { ...person, facilityId: club.facilityId })
  return club.call("POST", "/v1/sessions", { email: person.email, password: person.password })
}
