// `slotbase/live` out of the packed package: in Node, in Bun, in a bundle, in a plain script of a page, and its types.
// Nothing else of the package's dependencies is installed beside it.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { record } from "#events/outbox.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { nodeCommand, said } from "#test/harness/outside/node.ts"
import { type LiveServer, liveServer } from "#test/harness/pipeline/live.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { launchBrowser } from "#test/web/booking/club.ts"

const project = join(import.meta.dir, "../../..")
let folder: string
let node: readonly string[]
let database: TestDatabase
let server: LiveServer
let club: Club

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slotbase-package-"))
  // What `npm pack` does, also where there is no npm.
  await said([process.execPath, "pm", "pack", "--quiet", "--destination", folder], project)
  const installed = join(folder, "node_modules/slotbase")
  await mkdir(installed, { recursive: true })
  const [packed = ""] = [...new Bun.Glob("slotbase-*.tgz").scanSync(folder)]
  await said(["tar", "-xzf", join(folder, packed), "-C", installed, "--strip-components", "1"])
  await Bun.write(join(folder, "package.json"), '{ "type": "module" }')
  await Bun.write(join(folder, "app.js"), app)
  node = await nodeCommand(join(folder, "node"))
  database = await testDatabase()
  club = await aClub(database.db)
  server = await liveServer(database.db)
}, 120_000)
afterAll(async () => {
  await server?.stop()
  await database?.drop()
  await rm(folder, { recursive: true })
})

/** Follows a channel until the first event, which it prints. Then nothing may keep the program alive. */
const app = `
import { connectLive } from "slotbase/live"
const [url, token, channel, transport] = process.argv.slice(2)
const live = connectLive({ url, token: () => token, transport })
live.subscribe(channel, {
  onEvent: (event) => {
    console.log(JSON.stringify(event))
    live.close()
  },
})
`
const channel = () => `facility:${club.id}:check-ins`
const address = () => server.url.replace("ws:", "http:").replace("/v1/live", "")

/** What a follower hears of one check-in, once the server knows the follower. */
async function heardBy(follower: Promise<string>): Promise<unknown> {
  await eventually(() => expect(server.live.hasSubscribers(channel())).toBe(true))
  await run(database.db, async (tx) => void record(tx, aCheckIn(club)))
  await server.pass()
  const event = JSON.parse(await follower)
  await eventually(() => expect(server.live.hasSubscribers(channel())).toBe(false))
  return event
}
const checkIn = () => ({
  type: "booking.update",
  channel: channel(),
  ...server.place(),
  eventId: expect.any(String),
  payload: { bookingId: null, status: "checked_in", updatedAt: expect.any(String) },
})

test.each([
  ["Node", "websocket"],
  ["Node", "sse"],
  ["Bun", "websocket"],
  ["Bun", "sse"],
] as const)(
  "in %s a program of JavaScript hears an event by %s, and ends",
  async (runtime, transport) => {
    const command = runtime === "Node" ? node : [process.execPath]
    const args = ["app.js", address(), club.staff.token, channel(), transport]
    expect(await heardBy(said([...command, ...args], folder))).toEqual(checkIn())
  },
  60_000,
)

test("a Node without a WebSocket takes the stream by itself, and says so when it may not", async () => {
  await Bun.write(join(folder, "old.js"), `delete globalThis.WebSocket\nawait import("./app.js")`)
  const [program = ""] = node
  const args = ["old.js", address(), club.staff.token, channel(), "auto"]
  expect(await heardBy(said([program, ...args], folder))).toEqual(checkIn())
  await Bun.write(
    join(folder, "none.js"),
    `delete globalThis.WebSocket
    const { connectLive } = await import("slotbase/live")
    connectLive({ url: "http://127.0.0.1:1", transport: "websocket", onState: (state, { code, reason }) => console.log(state, code, reason) })`,
  )
  const states = await said([program, "none.js"], folder)
  expect(states.split("\n")).toEqual([
    "connecting undefined undefined",
    "ended 4400 ReferenceError: WebSocket is not defined",
  ])
}, 60_000)

test("a page loads the one file as a plain module, and hears an event by WebSocket", async () => {
  const file = Bun.file(join(folder, "node_modules/slotbase/dist/live/client.js"))
  const page = `<!doctype html><script type="importmap">{ "imports": { "slotbase/live": "/client.js" } }</script>
    <script type="module">
      import { connectLive } from "slotbase/live"
      globalThis.heard = new Promise((onEvent) => {
        const live = connectLive({ url: "${address()}", token: () => "${club.staff.token}" })
        live.subscribe("${channel()}", { onEvent: (event) => (live.close(), onEvent(JSON.stringify(event))) })
      })
    </script>`
  const site = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      url.endsWith("/client.js")
        ? new Response(file)
        : new Response(page, { headers: { "content-type": "text/html" } }),
  })
  const browser = await launchBrowser()
  const tab = await browser.newPage()
  await tab.goto(site.url.href)
  expect(await heardBy(tab.evaluate("globalThis.heard"))).toEqual(checkIn())
  await browser.close()
  await site.stop(true)
}, 60_000)

test("Chromium sees 1009 for every frame that is too big", async () => {
  const browser = await launchBrowser()
  const tab = await browser.newPage()
  const closedBy = (bytes: number) =>
    tab.evaluate(`new Promise((closed) => {
      const socket = new WebSocket("${server.url}", ["slotbase.v1", "bearer.${club.staff.token}"])
      socket.onopen = () => socket.send("x".repeat(${bytes}))
      socket.onclose = ({ code }) => closed(code)
    })`)
  for (const bytes of [4_097, 10_000, 65_536, 65_537, 1_048_576])
    expect([bytes, await closedBy(bytes)]).toEqual([bytes, 1009])
  await browser.close()
}, 60_000)

test("a bundle for browsers has the client in it, and imports nothing", async () => {
  await Bun.write(
    join(folder, "page.js"),
    `import { connectLive } from "slotbase/live"\nglobalThis.live = connectLive()`,
  )
  const { outputs } = await Bun.build({ entrypoints: [join(folder, "page.js")], target: "browser", minify: true })
  const text = (await outputs[0]?.text()) ?? ""
  expect(outputs).toHaveLength(1)
  expect(text).toContain("/v1/live/stream")
  expect(text).not.toMatch(/\b(import|require)\b\s*[("'{*]/)
})

test("the packed module is one file of less than 6 KB compressed, without imports", async () => {
  const text = await Bun.file(join(folder, "node_modules/slotbase/dist/live/client.js")).text()
  expect(text).not.toMatch(/\b(import|require)\b\s*[("'{*]/)
  expect(Bun.gzipSync(new TextEncoder().encode(text)).length).toBeLessThan(6 * 1024)
})

test.each(["nodenext", "bundler"])(
  "its types hold under the module resolution %s, and find a mistake",
  async (moduleResolution) => {
    const module = moduleResolution === "bundler" ? "esnext" : "nodenext"
    const compilerOptions = { strict: true, noEmit: true, skipLibCheck: false, types: [], lib: ["esnext", "dom"] }
    await Bun.write(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...compilerOptions, module, moduleResolution }, files: ["typed.ts"] }),
    )
    await Bun.write(
      join(folder, "typed.ts"),
      `import { connectLive, type LiveConnection, type LiveEvent, type LiveState } from "slotbase/live"
    const states: LiveState[] = []
    const live: LiveConnection = connectLive({ url: "https://book.example", onState: (state) => states.push(state) })
    const stop: () => void = live.subscribe("a", { onEvent: ({ position }: LiveEvent) => position satisfies string })
    // @ts-expect-error a channel has a name
    live.subscribe(1, { onEvent: () => {} })
    stop()`,
    )
    const tsc = join(project, "node_modules/typescript/bin/tsc")
    expect(await said([process.execPath, "--bun", tsc, "-p", folder])).toBe("")
  },
  60_000,
)
