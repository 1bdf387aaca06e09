// What a person has: bookings with their codes, wishes and offers, and messages.

import type { Page } from "playwright-core"
import type { Scene } from "#scripts/pictures/scene.ts"
import type { State } from "#scripts/pictures/state.ts"
import { press, see, visit } from "#scripts/pictures/visit.ts"

/** A day that no other state books. */
const [day, struck] = [11, 14]

/** Somebody with a bit of everything. */
const busyMember = async (scene: Scene) => {
  const { member, buy, book, hold, wait, slot, call, at, cancel, until } = scene
  const [mia, ben] = await Promise.all([member("Mia"), member("Ben")])
  await buy(mia, slot(0, day, "10:00"))
  await book(mia, slot(3, day, "18:00", "20:00"))
  await hold(mia, slot(1, day, "12:00"))
  const closed = await book(mia, slot(2, struck, "10:00"))
  const { startAt, endAt } = slot(2, struck, "08:00", "12:00")
  await call("POST", `${at}/closures`, {
    startAt,
    endAt,
    resourceIds: [scene.courts[2]],
    reason: "The drain is blocked",
  })
  await book(ben, slot(0, day, "16:00"))
  await wait(mia, slot(0, day, "16:00"))
  const given = await book(ben, slot(0, day, "17:00"))
  const wish = await wait(mia, slot(0, day, "17:00"))
  await cancel(given)
  await until(async () => (await call("GET", `${at}/waitlist/${wish}`)).status === "offered")
  return { mia, closed }
}

let busy: ReturnType<typeof busyMember> | undefined
const withBookings = async (scene: Scene) => {
  busy ??= busyMember(scene)
  return (await busy).mia
}

const bookingOf = async (scene: Scene, days: number, hour: string) => {
  const mia = await scene.member("Mia")
  await scene.buy(mia, scene.slot(1, days, hour))
  return mia
}

const cancelling = async (scene: Scene, days: number, hour: string, language: "en" | "de" = "en"): Promise<Page> => {
  const as = await bookingOf(scene, days, hour)
  const page = await visit(scene, { as, day: days, view: "mine", language })
  await press(page, language === "de" ? "Buchung absagen" : "Cancel the booking")
  await page.locator(".rules").waitFor()
  return page
}

export const ownStates: readonly State[] = [
  {
    name: "mine-empty",
    title: "My bookings, and there are none",
    arrange: async (scene) => {
      const page = await visit(scene, { as: await scene.member("Mia"), view: "mine" })
      await see(page, "You have no bookings ahead.")
      return page
    },
  },
  {
    name: "mine",
    title: "Bookings of each kind, an offer and a wish",
    isWhole: true,
    arrange: async (scene) => {
      const page = await visit(scene, { as: await withBookings(scene), day, view: "mine" })
      await page.locator(".offer").waitFor()
      return page
    },
  },
  {
    name: "mine-german",
    title: "The same in German",
    isWhole: true,
    arrange: async (scene) => {
      const page = await visit(scene, { as: await withBookings(scene), day, view: "mine", language: "de" })
      await page.locator(".offer").waitFor()
      return page
    },
  },
  {
    name: "mine-past",
    title: "Bookings of the past",
    isWhole: true,
    arrange: async (scene) => {
      const { call, at } = scene
      const mia = await scene.member("Mia")
      const played = await scene.book(mia, scene.slot(0, 0, "11:00"))
      const missed = await scene.book(mia, scene.slot(1, 0, "11:00"))
      const given = await scene.book(mia, scene.slot(2, 0, "11:00"))
      await scene.cancel(given)
      await scene.book(mia, scene.slot(2, day + 4, "11:00"))
      await scene.clockAt(90 * 60)
      await call("POST", `${at}/bookings/${played}/check-in`, { method: "manual" })
      await call("POST", `${at}/bookings/${missed}/no-show`, {})
      const page = await visit(scene, { as: mia, view: "mine" })
      await page.locator(".booking").first().waitFor()
      return page
    },
  },
  {
    name: "mine-checked-in",
    title: "A booking whose player is there",
    arrange: async (scene) => {
      const mia = await scene.member("Mia")
      const id = await scene.book(mia, scene.slot(0, 0, "12:00"))
      await scene.clockAt(95 * 60)
      await scene.call("POST", `${scene.at}/bookings/${id}/check-in`, { method: "manual" })
      const page = await visit(scene, { as: mia, view: "mine" })
      await see(page, "checked in")
      return page
    },
  },
  { name: "cancel-all-back", title: "Cancelling: all comes back", arrange: (scene) => cancelling(scene, 15, "10:00") },
  {
    name: "cancel-half-back",
    title: "Cancelling: a half comes back",
    arrange: (scene) => cancelling(scene, 0, "20:00"),
  },
  {
    name: "cancel-nothing-back",
    title: "Cancelling: nothing comes back",
    arrange: (scene) => cancelling(scene, 0, "13:00"),
  },
  {
    name: "cancel-german",
    title: "Cancelling, in German",
    arrange: (scene) => cancelling(scene, 0, "21:00", "de"),
  },
  {
    name: "cancel-unpaid",
    title: "Cancelling what was not paid",
    arrange: async (scene) => {
      const mia = await scene.member("Mia")
      await scene.book(mia, scene.slot(1, 15, "12:00"))
      const page = await visit(scene, { as: mia, view: "mine" })
      await press(page, "Cancel the booking")
      await see(page, "Nothing was paid yet.")
      return page
    },
  },
  {
    name: "cancel-struck",
    title: "Cancelling what the club has closed",
    arrange: async (scene) => {
      const page = await visit(scene, { as: await withBookings(scene), view: "mine" })
      await page.locator(".booking", { hasText: "Not open at this time" }).getByRole("button").last().click()
      await page.locator(".card.plain").waitFor()
      return page
    },
  },
  {
    name: "cancelled",
    title: "Cancelled",
    arrange: async (scene) => {
      const page = await cancelling(scene, 15, "14:00")
      await press(page, "Yes, cancel it")
      await page.getByRole("dialog").waitFor({ state: "detached" })
      return page
    },
  },
  {
    name: "check-in-code",
    title: "The code to check in with",
    arrange: async (scene) => {
      const page = await visit(scene, { as: await withBookings(scene), view: "mine" })
      await press(page, "Check-in code")
      await page.locator(".qr").waitFor()
      return page
    },
  },
  {
    name: "offer-accepted",
    title: "An offer is accepted and wants to be paid",
    arrange: async (scene) => {
      const { member, book, wait, slot, call, at, cancel, until } = scene
      const [mia, ben] = await Promise.all([member("Mia"), member("Ben")])
      const given = await book(ben, slot(2, 15, "17:00"))
      const wish = await wait(mia, slot(2, 15, "17:00"))
      await cancel(given)
      await until(async () => (await call("GET", `${at}/waitlist/${wish}`)).status === "offered")
      const page = await visit(scene, { as: mia, view: "mine" })
      await press(page, "Accept and pay")
      await page.locator(".clock").waitFor()
      return page
    },
  },
  {
    name: "messages-empty",
    title: "No messages",
    arrange: async (scene) => {
      const page = await visit(scene, { as: await scene.member("Mia"), view: "messages" })
      await see(page, "There are no messages.")
      return page
    },
  },
  {
    name: "messages",
    title: "Messages that are not read yet",
    isWhole: true,
    arrange: async (scene) => {
      const page = await visit(scene, { as: await withBookings(scene), view: "messages" })
      await page.locator(".message").first().waitFor()
      return page
    },
  },
  {
    name: "messages-read",
    title: "Messages that are read, in German",
    isWhole: true,
    arrange: async (scene) => {
      const page = await visit(scene, { as: await withBookings(scene), view: "messages", language: "de" })
      await press(page, "Alle als gelesen markieren")
      await page.locator(".message.new").first().waitFor({ state: "detached" })
      return page
    },
  },
  {
    name: "messages-many",
    title: "More messages than fit on the page",
    isWhole: true,
    arrange: async (scene) => {
      const { member, buy, slot } = scene
      const mia = await member("Mia")
      for (let hour = 8; hour < 20; hour++) await buy(mia, slot(0, 16, `${String(hour).padStart(2, "0")}:00`))
      const page = await visit(scene, { as: mia, view: "messages" })
      await page.locator(".message").first().waitFor()
      return page
    },
  },
]
