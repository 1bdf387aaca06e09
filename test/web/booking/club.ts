// A club on a running system, and Chromium that looks at the club's booking page.

import { createRequire } from "node:module"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { overApi, type SignedUp } from "#test/harness/api/over-api.ts"
import { dayOf, hoursFrom } from "#test/harness/club/hours.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort, rootKey, type System, spawnSystem } from "#test/harness/setup/system.ts"

/** Hours from midnight (UTC) of today: the club is in UTC, and the page shows the day after tomorrow. */
export const dayAhead = 48

export interface BrowserClub {
  readonly address: string
  readonly facilityId: string
  readonly courts: readonly string[]
  readonly mia: SignedUp
  readonly ben: SignedUp
  /** Somebody with an account and no role in the club. */
  readonly stranger: () => Promise<SignedUp>
  readonly call: (method: string, path: string, body?: object, token?: string) => Promise<unknown>
  /** A hold or a booking of somebody, at an hour of the shown day. */
  readonly hold: (who: SignedUp, court: number, hour: number) => Promise<{ readonly id: string }>
  /** A paid booking of somebody, at so many hours from midnight of today. Answers its id. */
  readonly book: (who: SignedUp, court: number, hour: number) => Promise<string>
  readonly cancel: (id: string) => Promise<unknown>
  /** Ends the program without a word, and starts it again at the same address. */
  readonly kill: () => Promise<number>
  readonly start: () => Promise<void>
  readonly browser: Browser
  /** The club's page in a window of its own, signed in as somebody. */
  readonly open: (as?: SignedUp, options?: OpenOptions) => Promise<Page>
  readonly close: () => Promise<void>
}

export interface OpenOptions {
  readonly query?: string
  /** The address of another way to the server. */
  readonly at?: string
  /** Hours from midnight of today to the day that is shown; left out: `dayAhead`. */
  readonly ahead?: number
  readonly context?: Parameters<Browser["newContext"]>[0]
}

export const pageUrl = (
  { address, facilityId }: Pick<BrowserClub, "address" | "facilityId">,
  query = "",
  ahead = dayAhead,
): string => `${address}/f/${facilityId}?date=${dayOf(ahead)}${query}`

export async function browserClub(): Promise<BrowserClub> {
  const [database, port] = [await testDatabase(), await freePort()]
  const address = `http://127.0.0.1:${port}`
  let system = await started(database, port)
  const [browser, built] = await Promise.all([launchBrowser(), build(address)])
  const contexts = new Set<BrowserContext>()
  const club: BrowserClub = {
    ...built,
    address,
    browser,
    hold: (who, court, hour) => {
      const wanted = { resourceId: built.courts[court], ...hoursFrom(dayAhead + hour, 1) }
      return built.call("POST", `/v1/facilities/${built.facilityId}/holds`, wanted, who.token) as never
    },
    book: async ({ id: bookerId }, court, hour) => {
      const wanted = { resourceId: built.courts[court], ...hoursFrom(hour, 1), bookerId, paymentMethod: "offline" }
      return ((await built.call("POST", `/v1/facilities/${built.facilityId}/bookings`, wanted)) as { id: string }).id
    },
    cancel: (id) => {
      const path = `/v1/facilities/${built.facilityId}/bookings/${id}/cancel`
      return built.call("POST", path, { cancellationReason: "Rain since the morning." })
    },
    kill: async () => {
      await system.end("SIGKILL")
      return port
    },
    start: async () => {
      system = await started(database, port)
    },
    open: async (as, { query, context, at = address, ahead } = {}) => {
      const made = await browser.newContext({ timezoneId: "UTC", locale: "en-GB", reducedMotion: "reduce", ...context })
      contexts.add(made)
      const page = await made.newPage()
      await page.goto(pageUrl({ ...club, address: at }, query, ahead))
      if (as !== undefined) {
        const headers = { "x-slotbase-page": "1", authorization: `Bearer ${as.token}` }
        await page.evaluate((headers) => fetch("/f/session", { method: "PUT", headers }).then(() => {}), headers)
        await page.reload()
        await page.getByRole("navigation").waitFor()
      }
      await page.getByRole("grid").waitFor()
      return page
    },
    close: async () => {
      await browser.close()
      await system.end("SIGKILL")
      await database.drop()
    },
  }
  return club
}

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: Bun.which("chromium") ?? Bun.which("chromium-browser") ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  })

async function started({ url }: TestDatabase, port: number): Promise<Omit<System, "address">> {
  const system = spawnSystem({ url, env: { PORT: String(port) } })
  await eventually(
    async () => {
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`)
      if (ready.status !== 200) throw new Error(system.output())
    },
    { withinMs: 60_000 },
  )
  return system
}

async function build(address: string) {
  const call = async (method: string, path: string, body?: object, token: string | null = rootKey) => {
    const answer = await fetch(address + path, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.status === 204 ? undefined : answer.json()
  }
  const builder = overApi(
    (path, body, as) => call("POST", path, body, as === "public" ? null : rootKey) as never,
    (nth) => `member-${nth}@example.com`,
  )
  const facilityId = await builder.facility({ timezone: "UTC" })
  await call("PATCH", `/v1/facilities/${facilityId}/settings`, {
    publicAvailability: true,
    openingHours: Object.fromEntries(days.map((day) => [day, [{ open: "08:00", close: "20:00" }]])),
  })
  const courts: string[] = []
  for (const name of ["Court 1", "Court 2", "Court 3"]) courts.push(await builder.court(facilityId, name))
  const [mia, ben] = [await builder.person("player", facilityId), await builder.person("player", facilityId)]
  return { facilityId, courts, mia, ben, call, stranger: () => builder.person() }
}

const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const

/** What each cell of the grid says, by its label. */
export const cellsOf = (page: Page): Promise<readonly string[]> =>
  page.locator("td[role=gridcell]").evaluateAll((cells) => cells.map((cell) => cell.getAttribute("aria-label") ?? ""))

const axe = await Bun.file(createRequire(import.meta.url).resolve("axe-core/axe.min.js")).text()
/** The faults that axe calls serious or critical. */
export const seriousFaults = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(`${axe};0`)
  const found = (await page.evaluate("axe.run()")) as {
    violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[]
  }
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)
}
