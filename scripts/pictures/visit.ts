// A visit of the booking page: a browser window of its own, whose clock stands.

import type { BrowserContextOptions, Page } from "playwright-core"
import { dayAfter, takenAt, zone } from "./calendar.ts"
import type { Member } from "./clubs.ts"
import type { Scene } from "./scene.ts"

export interface Visit {
  /** Left out: nobody is signed in. */
  readonly as?: Member
  /** Days after the first one. */
  readonly day?: number
  readonly language?: "en" | "de"
  /** Left out: the club of most pictures. */
  readonly clubId?: string
  /** More of the address. */
  readonly query?: Readonly<Record<string, string>>
  /** The part of the page, such as mine. */
  readonly view?: "mine" | "messages" | "account"
  readonly context?: BrowserContextOptions
  /** Before the page opens. */
  readonly before?: (page: Page) => Promise<unknown>
}

export async function visit(scene: Scene, { as, day, language = "en", clubId = scene.id, ...more }: Visit) {
  const { query = {}, view, context: options = {}, before } = more
  const context = await scene.browser.newContext({
    timezoneId: zone,
    locale: language === "de" ? "de-DE" : "en-GB",
    reducedMotion: "reduce",
    viewport: { width: 390, height: 844 },
    ...options,
  })
  if (as) await context.addCookies([{ name: "slotbase", value: as.token, url: `${scene.address}/f/session` }])
  const page = await context.newPage()
  page.setDefaultTimeout(patienceMs)
  await page.clock.setFixedTime(takenAt)
  await before?.(page)
  const asked = new URLSearchParams({ ...(day !== undefined && { date: dayAfter(day) }), ...query })
  await page.goto(`${scene.address}/f/${clubId}?${asked}${view === undefined ? "" : `#${view}`}`)
  if (as) await page.getByRole("navigation").waitFor()
  return page
}

/** The cell of a court and an hour; opens its sheet. */
export const choose = (page: Page, court: string, hour: string): Promise<void> =>
  page.locator(`td[role=gridcell][aria-label^="${court}, ${hour}"]`).click({ force: true })

export const press = (page: Page, name: string | RegExp): Promise<void> =>
  page
    .getByRole("button", { name, exact: typeof name === "string" })
    .first()
    .click()

export const see = (page: Page, text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor()

/** Lets the clock of the browser be so many seconds later. */
export const later = (page: Page, seconds: number): Promise<void> => page.clock.setFixedTime(takenAt + seconds * 1_000)

/** The first page waits until its script is bundled. */
const patienceMs = 40_000
