// States of the booking page that people meet when something is not as usual: each says what it is, and leads on.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { hoursFrom } from "#test/harness/club/hours.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, dayAhead } from "#test/web/booking/club.ts"

let club: BrowserClub

beforeAll(async () => {
  club = await browserClub()
}, 90_000)
afterAll(() => club?.close())

/** Each opens several windows. */
const patienceMs = 90_000
const phone = { viewport: { width: 360, height: 740 } }
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).first().click()
const choose = (page: Page, label: string) => page.locator(`td[role=gridcell][aria-label^="${label}"]`).click()
const comeOnline = (page: Page) => page.evaluate("window.dispatchEvent(new Event('online'))")
const signOut = ({ token }: { readonly token: string }) => club.call("DELETE", "/v1/sessions", undefined, token)
const signIn = async ({ email }: { readonly email: string }) => {
  const password = "correct horse battery"
  return ((await club.call("POST", "/v1/sessions", { email, password }, null as never)) as { token: string }).token
}
/** A session of its own, which a test may end. */
const another = async (who: BrowserClub["mia"]) => ({ ...who, token: await signIn(who) })

test(
  "a payment under way says so and can't be given back, and one whose answer is lost promises nothing",
  async () => {
    const page = await club.open(club.mia)
    const asked = Promise.withResolvers<void>()
    await page.route("**/payments", async (route) => {
      await asked.promise
      await route.abort()
    })
    await choose(page, "Court 1, 08:00")
    await press(page, "Keep this time for me")
    await press(page, "Pay €24")
    await page.locator(".go[data-busy]", { hasText: "Paying …" }).waitFor()
    expect(await page.getByRole("button", { name: "Give it back" }).last().isDisabled()).toBe(true)
    asked.resolve()
    await page.getByText("you may have paid already. Press again: nobody pays twice.").waitFor()
    await page.unroute("**/payments")
    await press(page, "Pay €24")
    await page.getByText("A confirmation is on its way to you.").first().waitFor()
    await page.context().close()
  },
  patienceMs,
)

test(
  "whoever was signed out elsewhere still sees the day of an open club, and is led to sign in",
  async () => {
    const mia = await another(club.mia)
    const page = await club.open(mia)
    await signOut(mia)
    await comeOnline(page)
    await page.getByRole("button", { name: "Sign in" }).waitFor()
    await page.getByRole("grid").waitFor()
    expect(await page.getByText("This club shows its times only to members.").count()).toBe(0)
    const ben = await another(club.ben)
    const other = await club.open(ben)
    await press(other, "My bookings")
    await signOut(ben)
    await comeOnline(other)
    await other.getByText("You were signed out. Sign in again to go on.").first().waitFor()
    await other.getByRole("grid").waitFor()
    await Promise.all([page.context().close(), other.context().close()])
  },
  patienceMs,
)

test(
  "who is signed out while paying signs in there, and goes on with the same hold",
  async () => {
    const mia = await another(club.mia)
    const page = await club.open(mia)
    await choose(page, "Court 1, 09:00")
    await press(page, "Keep this time for me")
    await page.locator(".clock").waitFor()
    await signOut(mia)
    await comeOnline(page)
    await page.getByRole("alert").getByText("You were signed out. Sign in again to go on.").waitFor()
    await page.getByLabel("E-mail address").fill(mia.email)
    await page.getByLabel("Password").fill("correct horse battery")
    await page.keyboard.press("Enter")
    await page.locator(".clock").waitFor()
    await page.context().close()
  },
  patienceMs,
)

test(
  "the faults of fields are in the language of the page, whatever the browser speaks",
  async () => {
    const page = await club.open(undefined, { query: "&lang=de" })
    await press(page, "Anmelden")
    await page.locator("[name=email]").fill("mia")
    await page.locator("button[type=submit]").click()
    await page.getByText("Das ist keine E-Mail-Adresse.").waitFor()
    await page.getByText("Bitte fülle das aus.").waitFor()
    await press(page, "Ich bin neu hier")
    await page.getByRole("heading", { name: "Konto anlegen" }).waitFor()
    await press(page, "Ich habe ein Konto")
    expect(await page.locator("[name=email]").inputValue()).toBe("mia")
    await page.locator("[name=email]").fill("")
    await press(page, "Schickt mir einen Link für ein neues Passwort")
    await page.getByText("Gib zuerst deine E-Mail-Adresse ein.").waitFor()
    await page.context().close()
  },
  patienceMs,
)

test(
  "a time that became free while one asked for its waitlist can be booked there",
  async () => {
    const id = await club.book(club.mia, 1, dayAhead + 10)
    const page = await club.open(club.ben)
    await choose(page, "Court 2, 10:00")
    await page.getByRole("heading", { name: "Wait for Court 2" }).waitFor()
    await club.cancel(id)
    await press(page, "Put me on the waitlist")
    await page.getByRole("heading", { name: "Book Court 2" }).waitFor()
    await page.locator(".price", { hasText: "€24" }).waitFor()
    await page.context().close()
  },
  patienceMs,
)

test(
  "an offer stands before the bookings, because it ends soon",
  async () => {
    const given = await club.book(club.ben, 2, dayAhead + 11)
    await club.book(club.mia, 2, dayAhead + 15)
    const wish = { resourceId: club.courts[2], ...hoursFrom(dayAhead + 11, 1) }
    await club.call("POST", `/v1/facilities/${club.facilityId}/waitlist`, wish, club.mia.token)
    await club.cancel(given)
    const page = await club.open(club.mia)
    await press(page, "My bookings")
    await page.getByText("It is free! The offer is yours:").waitFor()
    expect(await page.locator(".list > li").first().getAttribute("class")).toBe("card booking offer")
    await page.context().close()
  },
  patienceMs,
)

test(
  "a year that is being typed leads nowhere, and a day that can be shown is shown",
  async () => {
    const page = await club.open()
    const day = await page.locator(".dayname").textContent()
    const input = page.getByLabel("Choose a day")
    const shown = await input.inputValue()
    await input.fill(`0002${shown.slice(4)}`)
    expect(await page.locator(".dayname").textContent()).toBe(day)
    const next = `${Number(shown.slice(0, 4)) + 1}${shown.slice(4)}`
    await input.fill(next)
    await eventually(async () => expect(await page.locator(".dayname").textContent()).toEndWith(` ${next.slice(0, 4)}`))
    await page.context().close()
  },
  patienceMs,
)

test(
  "nothing is wider than a narrow phone, in the longer language and with messages",
  async () => {
    const page = await club.open(club.mia, { query: "&lang=de", context: phone })
    await page.locator(".count").waitFor()
    for (const view of ["Meine Buchungen", "Nachrichten", "Konto", "Tag"]) {
      await page.getByRole("navigation").getByRole("button", { name: view }).click()
      const [width, ways] = (await page.evaluate(`[document.documentElement, document.querySelector(".ways")]
      .map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)`)) as number[]
      expect([view, width, ways]).toEqual([view, 0, 0])
    }
    await page.context().close()
  },
  patienceMs,
)

test(
  "a booking is cancelled with or without a reason, an offer declined, and a waitlist left",
  async () => {
    const [first, second] = [await club.book(club.ben, 0, dayAhead + 16), await club.book(club.ben, 0, dayAhead + 17)]
    const taken = await club.book(club.mia, 1, dayAhead + 16)
    await club.book(club.mia, 1, dayAhead + 17)
    for (const hour of [16, 17]) {
      const wish = { resourceId: club.courts[1], ...hoursFrom(dayAhead + hour, 1) }
      await club.call("POST", `/v1/facilities/${club.facilityId}/waitlist`, wish, club.ben.token)
    }
    await club.cancel(taken)
    const page = await club.open(club.ben)
    await press(page, "My bookings")
    const cards = (says: string) => page.locator(".booking", { hasText: says })
    for (const [hours, reason] of [
      ["16:00–17:00", ""],
      ["17:00–18:00", "A cold"],
    ] as const) {
      await cards(hours).getByRole("button", { name: "Cancel the booking" }).click()
      await page.getByLabel("Reason (optional)").fill(reason)
      await press(page, "Yes, cancel it")
      await page.getByRole("dialog").waitFor({ state: "detached" })
    }
    const reasons = await Promise.all(
      [first, second].map(async (id) => {
        const path = `/v1/facilities/${club.facilityId}/bookings/${id}`
        return ((await club.call("GET", path)) as { cancellationReason: string }).cancellationReason
      }),
    )
    expect(reasons).toEqual(["No reason was given.", "A cold"])
    await press(page, "No, thank you")
    await cards("It is free!").waitFor({ state: "detached" })
    await press(page, "Leave the waitlist")
    await page.getByText("You are on no waitlist.").waitFor()
    await page.context().close()
  },
  patienceMs,
)
