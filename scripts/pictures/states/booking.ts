// Choosing a time, signing in on the way, and the waitlist.

import type { Page } from "playwright-core"
import { password } from "#scripts/pictures/clubs.ts"
import type { Scene } from "#scripts/pictures/scene.ts"
import type { State } from "#scripts/pictures/state.ts"
import { choose, press, see, visit } from "#scripts/pictures/visit.ts"

/** Days that no other state books. */
const [chosen, wanted] = [7, 8]

const picked = async (scene: Scene, hour: string, more: Partial<Parameters<typeof visit>[1]> = {}): Promise<Page> => {
  const page = await visit(scene, { day: chosen, ...more })
  await choose(page, "Court 1", hour)
  await page.getByRole("dialog").waitFor()
  return page
}

const signingIn = async (scene: Scene, language: "en" | "de" = "en"): Promise<Page> => {
  const page = await visit(scene, { day: chosen, language })
  await press(page, language === "de" ? "Anmelden" : "Sign in")
  await page.getByRole("dialog").waitFor()
  return page
}

const registering = async (scene: Scene, language: "en" | "de" = "en"): Promise<Page> => {
  const page = await signingIn(scene, language)
  await press(page, language === "de" ? "Ich bin neu hier" : "I am new here")
  await page.locator("[name=firstName]").waitFor()
  return page
}

const fillIn = async (page: Page, fields: Readonly<Record<string, string>>): Promise<Page> => {
  for (const [name, value] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(value)
  await page.locator("button[type=submit]").click()
  return page
}

/** A time that somebody else has, as a member looks at it. */
const takenTime = async (scene: Scene, hour: string, language: "en" | "de" = "en") => {
  const [ben, mia] = await Promise.all([scene.member("Ben"), scene.member("Mia")])
  const slot = scene.slot(1, wanted, hour)
  const bookingId = await scene.book(ben, slot)
  const page = await visit(scene, { as: mia, day: wanted, language })
  await choose(page, "Court 2", hour)
  await page.getByRole("dialog").waitFor()
  return { page, mia, slot, bookingId }
}

export const bookingStates: readonly State[] = [
  { name: "picked-guest", title: "A time is picked, nobody is signed in", arrange: (scene) => picked(scene, "10:00") },
  {
    name: "picked-member-german",
    title: "The same for a member, in German",
    arrange: async (scene) => picked(scene, "11:00", { as: await scene.member("Mia"), language: "de" }),
  },
  {
    name: "picked-questions",
    title: "A time is picked, and the club has questions",
    arrange: async (scene) => {
      await scene.call("PUT", `${scene.at}/booking-questions`, { questions })
      const page = await picked(scene, "12:00", { as: await scene.member("Mia") })
      await see(page, "Which surface do you like?")
      return page
    },
  },
  {
    name: "picked-questions-unanswered",
    title: "A question that must be answered is open",
    arrange: async (scene) => {
      const page = await picked(scene, "12:00", { as: await scene.member("Mia") })
      await see(page, "Which surface do you like?")
      await press(page, "Keep this time for me")
      await page.locator("[role=alert].fault, .fielderror").first().waitFor()
      await scene.call("PUT", `${scene.at}/booking-questions`, { questions: [] })
      return page
    },
  },
  {
    name: "picked-taken-meanwhile",
    title: "Somebody else was faster",
    arrange: async (scene) => {
      const page = await picked(scene, "13:00", { as: await scene.member("Mia") })
      await scene.book(await scene.member("Ben"), scene.slot(0, chosen, "13:00"))
      await press(page, "Keep this time for me")
      await see(page, "Put me on the waitlist")
      return page
    },
  },
  {
    name: "picked-taken-meanwhile-german",
    title: "Somebody else was faster, in German",
    arrange: async (scene) => {
      const page = await picked(scene, "14:00", { as: await scene.member("Mia"), language: "de" })
      await scene.book(await scene.member("Ben"), scene.slot(0, chosen, "14:00"))
      await press(page, "Diese Zeit für mich freihalten")
      await see(page, "Auf die Warteliste")
      return page
    },
  },
  {
    name: "picked-not-member",
    title: "Somebody who is signed in and no member picks a time",
    arrange: async (scene) => picked(scene, "15:00", { as: await scene.member("Otto", null) }),
  },
  {
    name: "picked-no-network",
    title: "The network is gone when a time shall be kept",
    arrange: async (scene) => {
      const page = await picked(scene, "16:00", { as: await scene.member("Mia") })
      await page.context().setOffline(true)
      await press(page, "Keep this time for me")
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "picked-over",
    title: "A time that is over is picked",
    arrange: async (scene) => {
      const page = await visit(scene, { day: 0 })
      await choose(page, "Court 1", "08:00")
      await page.getByRole("dialog").waitFor()
      return page
    },
  },
  {
    name: "picked-closed",
    title: "A time is picked at which the court is closed",
    arrange: async (scene) => {
      const { startAt, endAt } = scene.slot(3, chosen, "18:00", "20:00")
      const closure = { startAt, endAt, resourceIds: [scene.courts[3]], reason: "New lamps" }
      await scene.call("POST", `${scene.at}/closures`, closure)
      const page = await visit(scene, { day: chosen })
      await choose(page, "Indoor Court", "18:00")
      await page.getByRole("dialog").waitFor()
      return page
    },
  },
  {
    name: "picked-own",
    title: "One's own time is picked",
    arrange: async (scene) => {
      const mia = await scene.member("Mia")
      await scene.book(mia, scene.slot(0, chosen, "17:00"))
      return picked(scene, "17:00", { as: mia })
    },
  },
  { name: "sign-in", title: "Signing in", arrange: (scene) => signingIn(scene) },
  { name: "sign-in-german", title: "Signing in, in German", arrange: (scene) => signingIn(scene, "de") },
  {
    name: "sign-in-from-time",
    title: "Signing in between picking a time and keeping it",
    arrange: async (scene) => {
      const page = await picked(scene, "18:00")
      await press(page, "Keep this time for me")
      await page.locator("[name=email]").waitFor()
      return page
    },
  },
  {
    name: "sign-in-wrong",
    title: "A wrong password",
    arrange: async (scene) => {
      const { email } = await scene.member("Mia")
      const page = await fillIn(await signingIn(scene), { email, password: "something else" })
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "sign-in-wrong-german",
    title: "A wrong password, in German",
    arrange: async (scene) => {
      const { email } = await scene.member("Mia")
      const page = await fillIn(await signingIn(scene, "de"), { email, password: "something else" })
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "sign-in-incomplete",
    title: "Signing in with an address that is none",
    arrange: async (scene) => {
      const page = await fillIn(await signingIn(scene), { email: "mia", password: "" })
      await page.locator(".fielderror").first().waitFor()
      return page
    },
  },
  {
    name: "sign-in-forgotten",
    title: "A link to set a new password was asked for",
    arrange: async (scene) => {
      const page = await signingIn(scene)
      await page.locator("[name=email]").fill("mia@example.com")
      await press(page, "Send me a link to set a new password")
      await see(page, "a link is on its way")
      return page
    },
  },
  {
    name: "sign-in-forgotten-no-address",
    title: "The same before the address is typed",
    arrange: async (scene) => {
      const page = await signingIn(scene)
      await press(page, "Send me a link to set a new password")
      await see(page, "Type your e-mail address first.")
      return page
    },
  },
  { name: "register", title: "Registering", arrange: (scene) => registering(scene) },
  { name: "register-german", title: "Registering, in German", arrange: (scene) => registering(scene, "de") },
  {
    name: "register-known",
    title: "Registering with an address that has an account",
    arrange: async (scene) => {
      const { email } = await scene.member("Mia")
      const page = await fillIn(await registering(scene), { email, password, firstName: "Mia", lastName: "Keller" })
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "register-known-german",
    title: "The same in German",
    arrange: async (scene) => {
      const { email } = await scene.member("Mia")
      const fields = { email, password, firstName: "Mia", lastName: "Keller" }
      const page = await fillIn(await registering(scene, "de"), fields)
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "register-weak",
    title: "Registering with a password that everybody guesses",
    arrange: async (scene) => {
      const fields = { email: "eva@example.com", password: "password1", firstName: "Eva", lastName: "Keller" }
      const page = await fillIn(await registering(scene), fields)
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "register-weak-german",
    title: "The same in German",
    arrange: async (scene) => {
      const fields = { email: "eva@example.com", password: "password1", firstName: "Eva", lastName: "Keller" }
      const page = await fillIn(await registering(scene, "de"), fields)
      await page.locator("[role=alert].fault").waitFor()
      return page
    },
  },
  {
    name: "register-short",
    title: "Registering with a password that is too short, and without names",
    arrange: async (scene) => {
      const page = await fillIn(await registering(scene, "de"), { email: "eva@example.com", password: "short" })
      await page.locator(".fielderror").first().waitFor()
      return page
    },
  },
  {
    name: "waitlist-join",
    title: "A time that is taken is picked",
    arrange: async (scene) => (await takenTime(scene, "10:00")).page,
  },
  {
    name: "waitlist-join-german",
    title: "The same in German",
    arrange: async (scene) => (await takenTime(scene, "11:00", "de")).page,
  },
  {
    name: "waitlist-joined",
    title: "On the waitlist",
    arrange: async (scene) => {
      const { page } = await takenTime(scene, "12:00")
      await press(page, "Put me on the waitlist")
      await see(page, "You are on the waitlist.")
      return page
    },
  },
  {
    name: "waitlist-twice",
    title: "On the waitlist already",
    arrange: async (scene) => {
      const { page, mia, slot } = await takenTime(scene, "13:00")
      await scene.wait(mia, slot)
      await press(page, "Put me on the waitlist")
      await see(page, "You are on the waitlist already.")
      return page
    },
  },
  {
    name: "waitlist-free-again",
    title: "The time has become free while one asked for it",
    arrange: async (scene) => {
      const { page, bookingId } = await takenTime(scene, "14:00")
      await scene.cancel(bookingId)
      await press(page, "Put me on the waitlist")
      await see(page, "Keep this time for me")
      return page
    },
  },
]

const questions = [
  {
    id: "surface",
    label: "Which surface do you like?",
    type: "choice",
    required: true,
    choices: ["Clay", "Hard", "Grass"],
  },
  { id: "rackets", label: "How many rackets shall we lend you?", type: "number", required: false },
  { id: "guest", label: "Do you bring a guest?", type: "yes_no", required: true },
  { id: "note", label: "Anything that the desk should know", type: "text", required: false },
]
