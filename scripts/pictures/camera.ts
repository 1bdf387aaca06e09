// Takes a state in four looks, and notices what a person would not forgive in any of them.

import { createRequire } from "node:module"
import { join } from "node:path"
import type { Page } from "playwright-core"

export interface Look {
  readonly name: string
  readonly size: { readonly width: number; readonly height: number }
  readonly colorScheme: "light" | "dark"
  readonly isPhone: boolean
}

const phone = { size: { width: 390, height: 844 }, isPhone: true }
const desk = { size: { width: 1280, height: 800 }, isPhone: false }

export const looks: readonly Look[] = [
  { name: "phone-light", ...phone, colorScheme: "light" },
  { name: "phone-dark", ...phone, colorScheme: "dark" },
  { name: "desk-light", ...desk, colorScheme: "light" },
  { name: "desk-dark", ...desk, colorScheme: "dark" },
]

export interface Shot {
  readonly folder: string
  readonly name: string
  /** The whole page, not the window alone. */
  readonly isWhole: boolean
  /** Whether axe looks too, which takes longer than the pictures. */
  readonly withAxe: boolean
}

/** Takes the pictures into the folder. Answers what is wrong in them, such as a page that is wider than the phone. */
export async function photograph(page: Page, { folder, name, isWhole, withAxe }: Shot): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page)
  const faults: string[] = []
  // Where the page runs no script, axe runs neither.
  const hasScript = (await page.locator("noscript p").count()) === 0
  for (const look of looks) {
    await page.setViewportSize(look.size)
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" })
    await session.send("Emulation.setTouchEmulationEnabled", { enabled: look.isPhone, maxTouchPoints: 5 })
    const path = join(folder, `${name}-${look.name}.png`)
    await page.screenshot({ path, fullPage: isWhole, animations: "disabled" })
    const found = [...(await misplaced(page)), ...(withAxe && hasScript ? await inaccessible(page) : [])]
    for (const fault of found) faults.push(`${look.name}: ${fault}`)
  }
  return faults
}

async function inaccessible(page: Page): Promise<readonly string[]> {
  await page.evaluate(`${await axe()};0`)
  const { violations } = (await page.evaluate("axe.run()")) as {
    violations: readonly { id: string; nodes: readonly { html: string }[] }[]
  }
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)
}

/** A page that is wider than its window, text that is cut off, and targets that a finger would miss. */
const misplaced = (page: Page) =>
  page.evaluate(`(() => {
  const found = []
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth) found.push("wider than the window: " + scrollWidth + " of " + clientWidth)
  for (const each of document.querySelectorAll("button, .says, h1, h2, h3, label, th, .chip, input")) {
    const { width, height } = each.getBoundingClientRect()
    if (width <= 1 || (each.tagName === "BUTTON" && each.tabIndex < 0) || each.closest(".unseen") || each.type === "radio" || each.type === "checkbox") continue
    const text = (each.textContent || each.value || "").trim()
    if (each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0) found.push("cut off: " + text)
    if ((each.tagName === "BUTTON" || each.className === "chip") && (height < 24 || width < 24)) found.push("small: " + text)
  }
  return found
})()`) as Promise<readonly string[]>

let axeScript: Promise<string> | undefined
const axe = (): Promise<string> => {
  axeScript ??= Bun.file(createRequire(import.meta.url).resolve("axe-core/axe.min.js")).text()
  return axeScript
}
