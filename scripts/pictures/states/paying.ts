// A hold with its countdown, and paying for it.

import type { Page } from "playwright-core"
import type { Scene } from "#scripts/pictures/scene.ts"
import type { State } from "#scripts/pictures/state.ts"
import { choose, later, press, see, visit } from "#scripts/pictures/visit.ts"

/** A day that no other state books. Each state has a place of its own. */
const day = 10
let used = 0
const nextPlace = () => {
  const nth = used++
  return { court: nth % 3, hour: `${String(8 + Math.floor(nth / 3)).padStart(2, "0")}:00` }
}

/** A member who has just got a hold. */
const holding = async (scene: Scene, language: "en" | "de" = "en") => {
  const { court, hour } = nextPlace()
  const mia = await scene.member("Mia")
  const page = await visit(scene, { as: mia, day, language })
  await choose(page, `Court ${court + 1}`, hour)
  await press(page, language === "de" ? "Diese Zeit für mich freihalten" : "Keep this time for me")
  await page.locator(".clock").waitFor()
  return { page, mia, slot: scene.slot(court, day, hour) }
}

const paying = async (scene: Scene, card: string, language: "en" | "de" = "en"): Promise<Page> => {
  const { page } = await holding(scene, language)
  await page.locator(".cardchoice", { hasText: card }).click()
  await page.locator(".dialog .go").click()
  return page
}

const refused = async (scene: Scene, card: string, language: "en" | "de" = "en"): Promise<Page> => {
  const page = await paying(scene, card, language)
  await page.locator("[role=alert].fault").waitFor()
  return page
}

/** The hold is over `beforeEnd` seconds later. It lasts ten minutes. */
const nearEnd = async (page: Page, beforeEnd: number): Promise<Page> => {
  await later(page, 600 - beforeEnd)
  await see(page, `0:${String(beforeEnd).padStart(2, "0")}`)
  return page
}

export const payingStates: readonly State[] = [
  {
    name: "hold",
    title: "A hold with its countdown and the test cards",
    arrange: async (scene) => (await holding(scene)).page,
  },
  { name: "hold-german", title: "The same in German", arrange: async (scene) => (await holding(scene, "de")).page },
  {
    name: "hold-nearly-over",
    title: "A hold that is nearly over",
    arrange: async (scene) => nearEnd((await holding(scene)).page, 45),
  },
  {
    name: "hold-more-time",
    title: "More time was given",
    arrange: async (scene) => {
      const { page } = await holding(scene)
      await press(page, /^More time/)
      await see(page, "Still possible 9 times.")
      return page
    },
  },
  {
    name: "hold-somebody-waits",
    title: "No more time, because somebody waits",
    arrange: async (scene) => {
      const { page, slot } = await holding(scene)
      await scene.wait(await scene.member("Ben"), slot)
      await press(page, /^More time/)
      await see(page, "Somebody else is waiting for this time")
      return page
    },
  },
  {
    name: "hold-no-more-time",
    title: "More time was given ten times",
    arrange: async (scene) => {
      const { page } = await holding(scene)
      for (let left = 9; left >= 0; left--) {
        await press(page, /^More time/)
        await see(
          page,
          left === 0 ? "More time is not possible" : left === 1 ? "possible once" : `possible ${left} times`,
        )
      }
      return page
    },
  },
  {
    name: "hold-ran-out",
    title: "A hold that ran out",
    arrange: async (scene) => {
      const { page } = await holding(scene)
      await later(page, 700)
      await see(page, /The time to pay ran out/)
      return page
    },
  },
  {
    name: "hold-bar",
    title: "A hold that waits while one looks at something else",
    arrange: async (scene) => {
      const { page } = await holding(scene)
      await page.locator(".close").click()
      await page.locator(".holdbar").waitFor()
      return page
    },
  },
  {
    name: "hold-bar-german",
    title: "The same in German",
    arrange: async (scene) => {
      const { page } = await holding(scene, "de")
      await page.locator(".close").click()
      await page.locator(".holdbar").waitFor()
      return page
    },
  },
  {
    name: "hold-bar-last-minute",
    title: "The same in the last minute",
    arrange: async (scene) => {
      const { page } = await holding(scene)
      await page.locator(".close").click()
      await page.locator(".holdbar").waitFor()
      return nearEnd(page, 45)
    },
  },
  {
    name: "pay-declined",
    title: "A card that is declined",
    arrange: (scene) => refused(scene, "0002"),
  },
  {
    name: "pay-declined-german",
    title: "The same in German",
    arrange: (scene) => refused(scene, "9995", "de"),
  },
  { name: "pay-expired", title: "A card that has expired", arrange: (scene) => refused(scene, "0069") },
  {
    name: "pay-waiting",
    title: "A card whose bank takes its time",
    arrange: async (scene) => {
      const page = await paying(scene, "0077")
      await see(page, "The payment is being confirmed.")
      return page
    },
  },
  {
    name: "pay-lost-answer",
    title: "A card whose answer is lost",
    arrange: async (scene) => {
      const page = await paying(scene, "0044")
      await page.locator(".bigicon, [role=alert].fault, .dialog [role=status]").first().waitFor()
      return page
    },
  },
  {
    name: "pay-no-network",
    title: "The network is gone while one pays",
    arrange: async (scene) => {
      const { page } = await holding(scene)
      await page.context().setOffline(true)
      await press(page, /^Pay /)
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "paid",
    title: "Paid",
    arrange: async (scene) => {
      const page = await paying(scene, "4242")
      await see(page, "A confirmation is on its way to you.")
      return page
    },
  },
  {
    name: "paid-german",
    title: "Paid, in German",
    arrange: async (scene) => {
      const page = await paying(scene, "4242", "de")
      await see(page, "Eine Bestätigung ist unterwegs zu dir.")
      return page
    },
  },
  {
    name: "free-of-charge",
    title: "A court that costs nothing",
    arrange: async (scene) => {
      const page = await freeCourt(scene)
      await choose(page, "Practice Wall", "10:00")
      await press(page, "Keep this time for me")
      await page.locator(".clock").waitFor()
      return page
    },
  },
  {
    name: "free-of-charge-day",
    title: "The day of a court that costs nothing",
    arrange: freeCourt,
  },
  {
    name: "asked-for",
    title: "A time that the club decides about",
    arrange: async (scene) => {
      await scene.call("PUT", `${scene.at}/booking-policy`, { cancellationPolicy, approvalBookingTypes: ["open_play"] })
      const { court, hour } = nextPlace()
      const page = await visit(scene, { as: await scene.member("Mia"), day })
      await choose(page, `Court ${court + 1}`, hour)
      await press(page, "Keep this time for me")
      await see(page, "The club decides, and tells you.")
      await scene.call("PUT", `${scene.at}/booking-policy`, { cancellationPolicy, approvalBookingTypes: [] })
      return page
    },
  },
]

async function freeCourt(scene: Scene): Promise<Page> {
  const club = { name: "The Wall", timezone: "Europe/Berlin", currency: "EUR", publicAvailability: true }
  const { id } = await scene.call("POST", "/v1/facilities", {
    ...club,
    openingHours: { wednesday: [{ open: "08:00", close: "20:00" }], friday: [{ open: "08:00", close: "20:00" }] },
  })
  await scene.call("POST", `/v1/facilities/${id}/resources`, {
    name: "Practice Wall",
    resourceType: "wall",
    hourlyPrice: 0,
  })
  const page = await visit(scene, { clubId: id, as: await scene.member("Mia", id), day })
  await page.getByRole("grid").waitFor()
  return page
}

const cancellationPolicy = [
  { hoursBefore: 24, refundPercent: 100 },
  { hoursBefore: 4, refundPercent: 50 },
]
