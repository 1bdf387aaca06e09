// The day: full, empty, closed, and as the server sends it without a script.

import type { Page } from "playwright-core"
import { endsWithRun } from "#scripts/benchmarks/running.ts"
import { firstDay } from "#scripts/pictures/calendar.ts"
import type { Scene } from "#scripts/pictures/scene.ts"
import type { State } from "#scripts/pictures/state.ts"
import { see, visit } from "#scripts/pictures/visit.ts"

/** Days that no other state books. */
const [busy, full, monday, shut, empty] = [1, 4, 6, 2, 9]

const shown = async (page: Page): Promise<Page> => {
  await page.getByRole("grid").waitFor()
  return page
}

const fill = async ({ member, book, slot, courts }: Scene): Promise<void> => {
  const who = await member("Nora")
  for (let hour = 8; hour < 20; hour++) {
    const from = `${String(hour).padStart(2, "0")}:00`
    await Promise.all(courts.map((_, court) => book(who, slot(court, full, from))))
  }
}

/** A day with a bit of everything. Answers whose bookings are on it. */
const livelyDay = async (scene: Scene, day: number) => {
  const { member, book, slot, hold, call, at, courts } = scene
  const [mia, ben] = await Promise.all([member("Mia"), member("Ben")])
  const taken = [
    [0, "09:00"],
    [0, "10:00"],
    [1, "10:00"],
    [2, "11:00"],
    [0, "13:00"],
    [3, "13:00"],
    [1, "15:00"],
    [2, "16:00"],
    [2, "17:00"],
    [0, "18:00"],
    [1, "18:00"],
    [3, "18:00"],
  ] as const
  await Promise.all(taken.map(([court, hour]) => book(ben, slot(court, day, hour))))
  await Promise.all([hold(ben, slot(1, day, "19:00")), hold(ben, slot(2, day, "19:00"))])
  await book(mia, slot(1, day, "17:00", "19:00".replace("19", "18")))
  const { startAt, endAt } = slot(3, day, "07:00", "10:00")
  await call("POST", `${at}/closures`, { startAt, endAt, resourceIds: [courts[3]], reason: "New lamps" })
  return { mia, ben }
}

let lively: ReturnType<typeof livelyDay> | undefined

const onLivelyDay = (scene: Scene) => {
  lively ??= livelyDay(scene, busy)
  return lively
}

export const dayStates: readonly State[] = [
  {
    name: "day-first-paint",
    title: "The day as the server sends it, before the script runs",
    arrange: async (scene) => {
      await onLivelyDay(scene)
      const before = (page: Page) => page.route("**/f/assets/main-*.js", (route) => route.abort())
      const page = await visit(scene, { day: busy, before })
      await page.getByRole("table").waitFor()
      return page
    },
  },
  {
    name: "day-no-script",
    title: "The day in a browser without scripts",
    isWhole: true,
    arrange: async (scene) => {
      await onLivelyDay(scene)
      return visit(scene, { day: busy, context: { javaScriptEnabled: false } })
    },
  },
  {
    name: "day-guest",
    title: "A lively day, and nobody is signed in",
    arrange: async (scene) => {
      await onLivelyDay(scene)
      return shown(await visit(scene, { day: busy }))
    },
  },
  {
    name: "day-member",
    title: "A lively day, and a member with a booking of their own",
    isWhole: true,
    arrange: async (scene) => {
      const { mia } = await onLivelyDay(scene)
      const page = await shown(await visit(scene, { as: mia, day: busy }))
      await page.locator("td.mine").first().waitFor()
      return page
    },
  },
  {
    name: "day-german",
    title: "A lively day in German",
    isWhole: true,
    arrange: async (scene) => {
      const { mia } = await onLivelyDay(scene)
      const page = await shown(await visit(scene, { as: mia, day: busy, language: "de" }))
      await page.locator("td.mine").first().waitFor()
      return page
    },
  },
  {
    name: "day-today",
    title: "Today, of which some hours are over",
    arrange: async (scene) => shown(await visit(scene, { day: 0 })),
  },
  {
    name: "day-focus",
    title: "The focus of the keyboard on a time",
    arrange: async (scene) => {
      const page = await shown(await visit(scene, { day: busy }))
      await page.locator("td[tabindex='0']").focus()
      for (const key of ["ArrowDown", "ArrowRight"]) await page.keyboard.press(key)
      return page
    },
  },
  {
    name: "day-full",
    title: "A day on which all is taken",
    isWhole: true,
    arrange: async (scene) => {
      await fill(scene)
      return shown(await visit(scene, { day: full }))
    },
  },
  {
    name: "day-empty",
    title: "A day on which nobody plays yet",
    arrange: async (scene) => shown(await visit(scene, { day: empty })),
  },
  {
    name: "day-closed",
    title: "A day of the week on which the club is closed",
    arrange: async (scene) => {
      const page = await visit(scene, { day: monday })
      await see(page, "The club is closed on this day.")
      return page
    },
  },
  {
    name: "day-closure",
    title: "A day for which the club has closed",
    arrange: async (scene) => {
      const { startAt, endAt } = scene.slot(0, shut, "00:00", "24:00")
      await scene.call("POST", `${scene.at}/closures`, { startAt, endAt, reason: "Staff outing" })
      return shown(await visit(scene, { day: shut }))
    },
  },
  {
    name: "day-repeated-hour",
    title: "The night on which the clocks go back, at a club that is open then",
    isWhole: true,
    arrange: async (scene) => {
      const autumn = `${firstDay.slice(0, 4)}-10-26`
      return shown(await visit(scene, { clubId: scene.nightClubId, query: { date: autumn } }))
    },
  },
  {
    name: "day-repeated-hour-picked",
    title: "The second of the two hours that have the same name",
    arrange: async (scene) => {
      const autumn = `${firstDay.slice(0, 4)}-10-26`
      const page = await shown(await visit(scene, { clubId: scene.nightClubId, query: { date: autumn } }))
      await page.locator("tbody tr").nth(3).locator("td").click()
      await page.getByRole("dialog").waitFor()
      return page
    },
  },
  {
    name: "day-other-zone",
    title: "Somebody whose own clock is elsewhere",
    isWhole: true,
    arrange: async (scene) => shown(await visit(scene, { day: busy, context: { timezoneId: "America/New_York" } })),
  },
  {
    name: "day-far",
    title: "A day that is farther ahead than the club takes bookings",
    arrange: async (scene) => shown(await visit(scene, { query: { date: "2033-03-01" } })),
  },
  {
    name: "day-many-courts",
    title: "A club of twelve courts",
    arrange: async (scene) => {
      const { call } = scene
      const club = await call("POST", "/v1/facilities", {
        name: "Sportzentrum an der Alten Donaubrücke, Tennis und Padel e. V.",
        timezone: "Europe/Berlin",
        currency: "EUR",
        publicAvailability: true,
        openingHours: everyDay,
      })
      for (let nth = 1; nth <= 12; nth++) {
        const court = { name: nth > 9 ? `Padelcourt ${nth} (überdacht)` : `Court ${nth}`, resourceType: "court" }
        await call("POST", `/v1/facilities/${club.id}/resources`, { ...court, hourlyPrice: 12_050 })
      }
      return shown(await visit(scene, { clubId: club.id, day: busy }))
    },
  },
  {
    name: "day-no-courts",
    title: "A club that has no courts yet",
    arrange: async (scene) => {
      const club = { name: "A New Club", timezone: "Europe/Berlin", currency: "EUR", publicAvailability: true }
      const { id } = await scene.call("POST", "/v1/facilities", club)
      const page = await visit(scene, { clubId: id, day: busy })
      await see(page, "The club has no courts yet.")
      return page
    },
  },
  {
    name: "day-members-only",
    title: "A club that shows its times to members alone",
    arrange: async (scene) => {
      const page = await visit(scene, { clubId: scene.closedClubId, day: busy })
      await page.locator(".note").getByRole("button", { name: "Sign in" }).waitFor()
      return page
    },
  },
  {
    name: "day-members-only-first-paint",
    title: "The same without a script",
    arrange: (scene) => visit(scene, { clubId: scene.closedClubId, day: busy, context: { javaScriptEnabled: false } }),
  },
  {
    name: "day-stranger",
    title: "Somebody who is signed in and no member, at the same club",
    arrange: async (scene) => {
      const page = await visit(scene, { clubId: scene.closedClubId, day: busy, as: await scene.member("Otto") })
      await see(page, /^Join .+\?$/)
      return page
    },
  },
  {
    name: "day-embedded-court",
    title: "The day of one court, on a club's own site",
    isWhole: true,
    arrange: async (scene) => {
      const script = `<script async src="${scene.address}/f/embed.js" data-facility="${scene.id}" data-court="${scene.courts[0]}"></script>`
      const body = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Our club</title>
        <main style="font-family:serif;margin:2rem"><h1>Our club</h1><p>Court 1 today:</p>${script}<p>See you there.</p></main>`
      // A real site: Chromium lets no made-up page into its own machine.
      const site = Bun.serve({ port: 0, fetch: () => new Response(body, { headers: { "content-type": "text/html" } }) })
      endsWithRun(() => site.stop(true))
      const address = `http://localhost:${site.port}`
      await scene.call("PATCH", `${scene.at}/settings`, { embedOrigins: [address] })
      const page = await visit(scene, { day: busy })
      await page.goto(address)
      await page.frameLocator("iframe").getByRole("grid").waitFor()
      return page
    },
  },
  {
    name: "unknown-club",
    title: "An address at which there is no club",
    arrange: (scene) => visit(scene, { clubId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01" }),
  },
  {
    name: "unknown-club-german",
    title: "The same in a German browser",
    arrange: (scene) => visit(scene, { clubId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01", language: "de" }),
  },
]

const everyDay = Object.fromEntries(
  ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].map((day) => [
    day,
    [{ open: "08:00", close: "20:00" }],
  ]),
)
