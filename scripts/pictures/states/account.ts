// The account: the language, what a person is told, and push messages.

import type { Page } from "playwright-core"
import type { Scene } from "#scripts/pictures/scene.ts"
import type { State } from "#scripts/pictures/state.ts"
import { press, visit } from "#scripts/pictures/visit.ts"
import { aBrowser } from "#test/harness/outside/push-service.ts"

type Push = "on" | "default" | "denied" | "none"

const account = async (scene: Scene, push: Push, language: "en" | "de" = "en"): Promise<Page> => {
  const before = (page: Page) => page.addInitScript(browserWith(push))
  const page = await visit(scene, { as: await scene.member("Mia"), view: "account", language, before })
  await page.locator(".kinds").waitFor()
  return page
}

/** A browser that has allowed push messages, was not asked yet, has refused them, or knows none. */
function browserWith(push: Push): string {
  if (push === "none") return "delete window.PushManager"
  const subscription = aBrowser().subscription("https://fcm.googleapis.com/fcm/send/a-browser-of-the-gallery")
  const found = push === "on" ? `({ toJSON: () => (${JSON.stringify(subscription)}) })` : "null"
  return `
    const permission = ${JSON.stringify(push === "on" ? "granted" : push)}
    Object.defineProperty(Notification, "permission", { get: () => permission })
    Notification.requestPermission = async () => "denied"
    navigator.serviceWorker.getRegistration = async () => ({ pushManager: { getSubscription: async () => ${found} } })`
}

export const accountStates: readonly State[] = [
  {
    name: "account",
    title: "The account, push messages are off",
    isWhole: true,
    arrange: (scene) => account(scene, "default"),
  },
  {
    name: "account-german",
    title: "The same in German",
    isWhole: true,
    arrange: (scene) => account(scene, "default", "de"),
  },
  { name: "account-push-on", title: "Push messages are on", arrange: (scene) => account(scene, "on") },
  {
    name: "account-push-refused",
    title: "Push messages were refused when the browser asked",
    arrange: async (scene) => {
      const page = await account(scene, "default")
      await page.locator(".switch").first().click()
      await page.locator(".switch").first().waitFor()
      return page
    },
  },
  {
    name: "account-push-never",
    title: "The browser forbids push messages, in German",
    arrange: (scene) => account(scene, "denied", "de"),
  },
  {
    name: "account-push-none",
    title: "The browser knows no push messages",
    arrange: (scene) => account(scene, "none"),
  },
  {
    name: "account-signed-out",
    title: "After signing out",
    arrange: async (scene) => {
      const page = await account(scene, "default")
      await press(page, "Sign out")
      await page.getByRole("button", { name: "Sign in" }).waitFor()
      return page
    },
  },
]
