// `slotbase webhooks` as a person uses it: processes of their own, a real receiver on this machine.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Webhook as StandardWebhook } from "standardwebhooks"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { slotbaseWith } from "#test/harness/setup/command-line.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort } from "#test/harness/setup/system.ts"

const timeout = 60_000
let database: TestDatabase
let dataDir: string
let facilityId: string
const started: Bun.Subprocess[] = []

beforeAll(async () => {
  database = await testDatabase()
  dataDir = await mkdtemp(join(tmpdir(), "slotbase-listen-"))
  facilityId = (await aFacility(database.db)).id
})
afterAll(async () => {
  for (const each of started) {
    each.kill("SIGKILL")
    await each.exited
  }
  await database?.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const environment = () => ({
  DATABASE_URL: database.url,
  SLOTBASE_DATA_DIR: dataDir,
  SLOTBASE_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
})
const webhooks = (...args: string[]) => slotbaseWith(environment(), "webhooks", ...args)

/** A listener that has begun to listen. */
async function listen(...args: string[]) {
  const child = Bun.spawn([process.execPath, "src/cli/main.ts", "webhooks", "listen", ...args], {
    cwd: join(import.meta.dir, "../.."),
    env: { ...process.env, ...environment() },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  started.push(child)
  const output = { text: "" }
  const reading = (async () => {
    for await (const part of child.stdout) output.text += Buffer.from(part).toString()
  })()
  await eventually(() => expect(output.text).toContain("Ctrl+C ends."))
  return {
    output,
    secret: /session: (whsec_\S+)/.exec(output.text)?.[1] ?? "",
    stop: async () => {
      child.kill("SIGTERM")
      await reading
      return child.exited
    },
  }
}

test(
  "listen forwards live events with valid signatures, and goes on after a restart where it stopped",
  async () => {
    const inbox = startReceiver(() => new Response("", { status: 204 }))
    const first = await listen("--forward", inbox.url, "--facility", facilityId)
    const [eventId = ""] = await confirmed(database.db, facilityId)
    await eventually(() => expect(inbox.received).toHaveLength(1))
    const [{ headers, body }] = inbox.received as [(typeof inbox.received)[number]]
    const [kept] = await database.db<[{ body: string }]>`
      select slotbase.event_body(e) as body from slotbase.events e where id = ${eventId}`
    expect(body).toBe(kept.body)
    const hex = createHmac("sha256", first.secret)
      .update(`${headers.get("x-slotbase-timestamp")}.${body}`)
      .digest("hex")
    expect(headers.get("x-slotbase-signature")).toBe(hex)
    const [log] = await database.db<[{ epoch: string }]>`select slotbase.log_epoch() as epoch`
    expect(headers.get("x-slotbase-epoch")).toBe(log.epoch)
    expect(new StandardWebhook(first.secret).verify(body, Object.fromEntries(headers))).toEqual(JSON.parse(body))
    await eventually(() =>
      expect(first.output.text).toMatch(
        new RegExp(`\\d\\d:\\d\\d:\\d\\d  booking\\.confirmed +204  \\d+ ms  ${eventId}\n`),
      ),
    )
    expect(await first.stop()).toBe(0)

    const missed = await confirmed(database.db, facilityId, 2)
    await confirmed(database.db, (await aFacility(database.db)).id)
    const second = await listen("--forward", inbox.url, "--facility", facilityId, "--secret", first.secret)
    await eventually(() => expect(inbox.received).toHaveLength(3))
    expect(inbox.received.slice(1).map((each) => JSON.parse(each.body).id)).toEqual([...missed])
    expect(await second.stop()).toBe(0)
    await inbox.stop()
  },
  timeout,
)

test(
  "an event waits while nothing answers, and other types are passed over",
  async () => {
    const port = await freePort()
    const listening = await listen(
      `--forward=http://localhost:${port}/hook`,
      `--facility=${facilityId}`,
      "--events=booking.confirmed",
    )
    const [eventId = ""] = await confirmed(database.db, facilityId)
    await eventually(() => expect(listening.output.text).toContain("It is sent again until something answers."))
    const bodies: string[] = []
    const late = Bun.serve({
      hostname: "127.0.0.1",
      port,
      fetch: async (request) => {
        bodies.push(await request.text())
        return new Response("no", { status: 500 })
      },
    })
    await eventually(() => expect(listening.output.text).toMatch(new RegExp(`500  \\d+ ms  ${eventId}`)))
    expect(bodies.map((body) => JSON.parse(body).id)).toEqual([eventId])
    expect(await listening.stop()).toBe(0)
    await late.stop(true)
  },
  timeout,
)

test(
  "trigger sends a marked sample to the listeners, and says when nobody listens",
  async () => {
    const alone = await webhooks("trigger", "booking.cancelled", "--facility", facilityId)
    expect(alone).toEqual({
      code: 1,
      output: "Nobody listens. Start ./scripts/slotbase webhooks listen, or name a webhook: --webhook ID\n",
    })
    const inbox = startReceiver()
    const listening = await listen("--forward", inbox.url, "--facility", facilityId, "--events", "booking.*")
    for (const type of ["payment.failed", "booking.cancelled"])
      expect((await webhooks("trigger", type, "--facility", facilityId)).code).toBe(0)
    await eventually(() => expect(inbox.received).toHaveLength(1))
    const [one] = inbox.received
    expect([one?.headers.get("x-slotbase-test"), one?.headers.get("x-slotbase-event")]).toEqual([
      "true",
      "booking.cancelled",
    ])
    expect(JSON.parse(one?.body ?? "")).toMatchObject({ facilityId, metadata: { test: true } })
    await listening.stop()
    await inbox.stop()
  },
  timeout,
)

test(
  "trigger --webhook sends a test to the webhook, prints its answer, and is audited",
  async () => {
    const inbox = startReceiver(() => new Response("seen", { status: 201 }))
    const app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
    const { id } = await aWebhook(app, facilityId, { url: inbox.url, authType: "signature" })
    const trigger = (type: string) =>
      slotbaseWith(
        { ...environment(), SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8" },
        ...["webhooks", "trigger", type, "--webhook", id],
      )
    const { code, output } = await trigger("booking.confirmed")
    expect(output).toMatch(
      /^booking\.confirmed {2}201 {2}\d+ ms {2}event [0-9a-f-]{36} {2}delivery [0-9a-f-]{36}\nseen\n$/,
    )
    expect([code, inbox.received.length]).toEqual([0, 1])
    const [audited] = await database.db`
      select user_agent from slotbase.audit_log where action = 'webhook.tested' and subject_id = ${id}`
    expect(audited?.user_agent).toMatch(/^slotbase webhooks trigger, by uid/)
    expect(await trigger("booking.cancelled")).toEqual({
      code: 1,
      output: "The webhook does not subscribe to booking.cancelled.\n",
    })
    await inbox.stop()
  },
  timeout,
)

test(
  "what it cannot do is refused before it begins",
  async () => {
    const refused = async (...args: string[]) => {
      const { code, output } = await webhooks(...args)
      return [code, output.split("\n")[0]]
    }
    const use =
      "./scripts/slotbase webhooks listen [--forward http://localhost:4000/hook] [--facility ID] [--events a,b] [--secret whsec_…]"
    expect(await refused()).toEqual([2, use])
    expect(await refused("listen", "--webhook", facilityId)).toEqual([2, "webhooks listen does not take --webhook."])
    expect(await refused("listen", "--events", "booking.eaten")).toEqual([
      2,
      'There is no event type "booking.eaten". GET /v1/event-types lists them.',
    ])
    expect(await refused("trigger", "booking.confirmed", "--webhook", "x")).toEqual([2, '"x" is no id of a webhook.'])
    expect(await refused("listen", "--facility", "01994a3e-7c00-7a10-8f3e-1c5d0a9b2eff")).toEqual([
      2,
      "There is no facility 01994a3e-7c00-7a10-8f3e-1c5d0a9b2eff.",
    ])
    expect(await refused("listen", "--events", "booking.eaten.*")).toEqual([
      2,
      'There is no event type "booking.eaten.*". GET /v1/event-types lists them.',
    ])
    const to = (...args: string[]) => refused("listen", "--facility", facilityId, "--forward", ...args)
    expect(await to("nowhere")).toEqual([2, "--forward: Expected an absolute URL of at most 8000 characters."])
    expect(await to("http://10.0.0.1/")).toEqual([
      2,
      "--forward: 10.0.0.1 is not a public address. SLOTBASE_EGRESS_ALLOW=10.0.0.1 would allow it.",
    ])
    for (const secret of ["short", `whsec_${"A".repeat(42)}`])
      expect(await to("http://localhost:4000/", "--secret", secret)).toEqual([
        2,
        "--secret is not one that a webhook may have: docs/webhook-configuration.md says which ones may be.",
      ])
    expect((await refused("listen", "--forwad", "x"))[1]).toContain("did you mean --forward?")
    expect((await refused("listen", "--forward"))[1]).toContain("webhooks --forward needs a value")
  },
  timeout,
)
