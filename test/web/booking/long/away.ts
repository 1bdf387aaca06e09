// The booking page in Chromium while the network or the server is away, and after it. It says so, and then shows what a
// fresh page shows.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Page } from "playwright-core"
import { dayOf } from "#test/harness/club/hours.ts"
import { startLostNetwork } from "#test/harness/outside/lost-network.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type BrowserClub, browserClub, cellsOf } from "#test/web/booking/club.ts"

let club: BrowserClub
const faults: string[] = []

beforeAll(async () => {
  club = await browserClub()
}, 90_000)
afterAll(() => club?.close())

/** A page that reports what its script threw. */
const open: BrowserClub["open"] = async (...args) => {
  const page = await club.open(...args)
  page.on("pageerror", ({ message }) => faults.push(message))
  return page
}
const cell = (page: Page, label: string) => page.locator(`td[role=gridcell][aria-label^="${label}"]`)

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

test("no page threw", () => {
  expect(faults).toEqual([])
})
