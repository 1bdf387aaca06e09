// How soon a guest sees the day of a club on a phone. Its processor is four times slower than this one. Its network is
// Lighthouse's "slow 4G": 150 ms for a round trip, and 1.6 Mbit/s down. Each load is the first one of a browser, so
// nothing is cached.

import { type Browser, chromium, type Page } from "playwright-core"
import { median, round } from "#scripts/statistics.ts"
import { clientOf, makeClub } from "#test/harness/api/client.ts"
import type { Figure } from "./figure.ts"
import { startBench } from "./measure.ts"
import type { Part } from "./part.ts"
import { startProgram } from "./running.ts"

const courts = 8
const slowdown = 4
const network = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 }
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true }

export const firstPaint: Part = {
  name: "page",
  description: "first paint of a day on the booking page, on a slowed phone; needs Chromium",
  run: async ({ short, progress }) => {
    await using open = new AsyncDisposableStack()
    const bench = await startBench()
    open.defer(bench.stop)
    const system = await startProgram({ url: bench.url })
    open.defer(async () => void (await system.end()))
    const client = clientOf(system.address)
    const club = await makeClub(client, { courts })
    await bench.sql`
      update slotbase.facilities set public_availability = true where id = ${club.facilityId}`
    const executablePath = Bun.which("chromium") ?? "/usr/bin/chromium"
    const browser = await chromium.launch({
      executablePath,
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    })
    open.defer(() => browser.close())
    const loads: Load[] = []
    for (let nth = 0; nth < (short ? 3 : 15); nth++) {
      loads.push(await load(browser, `${system.address}/f/${club.facilityId}`))
      progress(`load ${nth + 1}: ${JSON.stringify(loads.at(-1))}`)
    }
    return figuresOf(loads)
  },
}

interface Load {
  /** From the request of the page, milliseconds: something of it is painted, and its largest part is. */
  readonly firstMs: number
  readonly largestMs: number
  /** The cells of the day that the first answer has. */
  readonly cells: number
  /** Compressed. */
  readonly scriptKb: number
}

async function load(browser: Browser, address: string): Promise<Load> {
  const context = await browser.newContext(phone)
  try {
    const opened = await context.newPage()
    const session = await context.newCDPSession(opened)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", network)
    await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown })
    await opened.goto(address, { waitUntil: "networkidle" })
    const html = await (await fetch(address)).text()
    return { ...(await paintsOf(opened)), cells: html.match(/<td class="cell/g)?.length ?? 0 }
  } finally {
    await context.close()
  }
}

const paintsOf = (opened: Page) =>
  opened.evaluate(`new Promise((done) => {
    new PerformanceObserver((list) => {
      const scripts = performance.getEntriesByType("resource").filter(({ initiatorType, name }) => /\\.js$/.test(name))
      done({
        firstMs: performance.getEntriesByName("first-contentful-paint")[0].startTime,
        largestMs: list.getEntries().at(-1).startTime,
        scriptKb: scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) / 1000,
      })
    }).observe({ type: "largest-contentful-paint", buffered: true })
  })`) as Promise<Omit<Load, "cells">>

function figuresOf(loads: readonly Load[]): readonly Figure[] {
  const of = (value: (load: Load) => number) => loads.map(value).sort((a, b) => a - b)
  const figure = (name: string, values: readonly number[]): Figure => ({
    name,
    n: loads.length,
    p50Ms: round(median(values)),
    mostMs: round(values.at(-1) ?? 0),
    goalMs: 1_000,
  })
  const [cells, kilobytes] = [Math.min(...of(({ cells }) => cells)), Math.max(...of(({ scriptKb }) => scriptKb))]
  return [
    {
      ...figure(
        "first paint of the day",
        of(({ firstMs }) => firstMs),
      ),
      cells,
      scriptKb: round(kilobytes),
    },
    figure(
      "largest paint",
      of(({ largestMs }) => largestMs),
    ),
  ]
}
