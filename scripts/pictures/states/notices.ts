// What goes wrong around the page: the network, the server, the session, the right to be there.

import type { Page } from "playwright-core"
import type { Scene } from "#scripts/pictures/scene.ts"
import type { State } from "#scripts/pictures/state.ts"
import { press, see, visit } from "#scripts/pictures/visit.ts"

const day = 12

const lost = async (scene: Scene, language: "en" | "de" = "en"): Promise<Page> => {
  const page = await visit(scene, { as: await scene.member("Mia"), day, language })
  await page.getByRole("grid").waitFor()
  await page.context().setOffline(true)
  await page.evaluate("window.dispatchEvent(new Event('offline'))")
  await page.locator(".notice.shown").waitFor()
  return page
}

/** Ends all sessions of a member, as another device would, and lets the page ask for something. */
const signedOut = async (scene: Scene, view: "mine" | "messages" | "account" | undefined): Promise<Page> => {
  const mia = await scene.member("Mia")
  const page = await visit(scene, { as: mia, day, ...(view && { view }) })
  await page
    .getByRole(view ? "heading" : "grid")
    .first()
    .waitFor()
  await scene.call("DELETE", "/v1/sessions", undefined, mia.token)
  await page.evaluate("window.dispatchEvent(new Event('online'))")
  await page.getByRole("button", { name: "Sign in" }).first().waitFor()
  return page
}

export const noticeStates: readonly State[] = [
  { name: "notice-network-lost", title: "The network is lost", arrange: (scene) => lost(scene) },
  { name: "notice-network-lost-german", title: "The same in German", arrange: (scene) => lost(scene, "de") },
  {
    name: "notice-server-away",
    title: "The server was killed while one looks at bookings",
    arrange: async (scene) => {
      const mia = await scene.member("Mia")
      await scene.book(mia, scene.slot(0, day, "10:00"))
      const page = await visit(scene, { as: mia, day, view: "mine" })
      await page.locator(".booking").first().waitFor()
      await scene.killServer()
      await page.locator(".notice.shown").waitFor()
      return page
    },
  },
  {
    name: "notice-server-back",
    title: "The server is back",
    arrange: async (scene) => {
      const page = await visit(scene, { as: await scene.member("Mia"), day })
      await page.getByRole("grid").waitFor()
      await scene.killServer()
      await page.locator(".notice.shown").waitFor()
      await scene.startServer()
      await page.locator(".notice.shown").waitFor({ state: "detached" })
      return page
    },
  },
  {
    name: "signed-out-day",
    title: "Signed out by another device, at the day",
    arrange: (scene) => signedOut(scene, undefined),
  },
  {
    name: "signed-out-mine",
    title: "Signed out by another device, at My bookings",
    arrange: (scene) => signedOut(scene, "mine"),
  },
  {
    name: "signed-out-link",
    title: "A push message leads to the messages, and nobody is signed in",
    arrange: async (scene) => {
      const page = await visit(scene, { day, view: "messages" })
      await page.getByRole("button", { name: "Sign in" }).first().waitFor()
      return page
    },
  },
  {
    name: "signed-out-paying",
    title: "Signed out by another device while one pays",
    arrange: async (scene) => {
      const mia = await scene.member("Mia")
      await scene.hold(mia, scene.slot(0, day, "12:00"))
      const page = await visit(scene, { as: mia, day, view: "mine" })
      await press(page, "Pay now")
      await page.locator(".clock").waitFor()
      await scene.call("DELETE", "/v1/sessions", undefined, mia.token)
      await page.evaluate("window.dispatchEvent(new Event('online'))")
      await page.locator("[name=email]").waitFor()
      return page
    },
  },
  {
    name: "right-withdrawn",
    title: "The club that shows its times to members has let a member go",
    arrange: async (scene) => {
      const mia = await scene.member("Mia", scene.closedClubId)
      const page = await visit(scene, { as: mia, clubId: scene.closedClubId, day })
      await page.getByRole("grid").waitFor()
      const role = `role=player&scopeType=facility&scopeId=${scene.closedClubId}`
      await scene.call("DELETE", `/v1/users/${mia.id}/roles?${role}`)
      await page.evaluate("window.dispatchEvent(new Event('online'))")
      await see(page, "Your account is not a member of this club yet.")
      return page
    },
  },
]
