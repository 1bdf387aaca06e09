/**
 * Follows the README like a newcomer: pastes each block in the order of the page, in a fresh clone. The shells have no
 * Bun on the PATH. Only the two ports differ, so that no other program of this machine is in the way.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import postgres from "postgres"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort } from "#test/harness/setup/system.ts"
import { type Block, blocksOf } from "./readme/blocks.ts"
import { type Checkout, freshCheckout } from "./readme/checkout.ts"
import { Shell } from "./readme/shell.ts"

/** Several times what a step takes on a busy machine. */
const timeout = 120_000

let checkout: Checkout
let blocks: Block[]
let variables: Record<string, string>
/** Where SlotBase runs, and where everything else is pasted. */
let server: Shell
let shell: Shell
const shells: Shell[] = []

beforeAll(async () => {
  checkout = await freshCheckout()
  const [port, receiverPort] = [await freePort(), await freePort()]
  variables = { PORT: String(port) }
  const readme = await Bun.file(join(checkout.folder, "README.md")).text()
  blocks = blocksOf(readme).map((block) => ({ ...block, text: block.text.replaceAll("4000", String(receiverPort)) }))
}, timeout)
afterAll(async () => {
  for (const each of shells.reverse()) await each.end("SIGTERM")
  await checkout.remove()
}, timeout)

test(
  "a first start prints a member, a court and a booking that is made when it is pasted",
  async () => {
    server = open()
    server.run(next("./scripts/start"))
    await server.sees(`-d '{"resourceId"`)
    expect(next("./scripts/test")).toBe("./scripts/test")

    shell = open()
    expect(server.output).toContain("  A member   ")
    expect(await shell.paste(lineOf(server.output, "export SLOTBASE="))).toBe("")
    expect(statusOf(await shell.paste(lineOf(server.output, "curl -s")))).toBe("confirmed")
  },
  { timeout },
)

test(
  "courts and slots are listed, a court is booked, and booked again it is a conflict with free slots near by",
  async () => {
    await shell.paste(next("auth="))
    const courts = JSON.parse(await shell.paste(next("/resources")))
    expect(courts.data.map(({ name }: { name: string }) => name)).toContain("Court 1")
    expect(await shell.paste(next("/availability"))).toContain('"startAt"')
    expect(statusOf(await shell.paste(next("book()")))).toBe("confirmed")
    const conflict = JSON.parse(await shell.paste(next("book 08:00")))
    expect(conflict).toMatchObject({ status: 409, code: "slot_taken" })
    expect(JSON.stringify(conflict)).toContain("alternatives")
  },
  { timeout },
)

test(
  "started again, SlotBase prints the club's id, and a webhook brings the event to a receiver that verifies it",
  async () => {
    const club = /CLUB=(\S+)/.exec(server.output)?.[1] ?? ""
    await server.end("SIGINT")
    server = open()
    server.run(next("SLOTBASE_EGRESS_ALLOW"))
    await server.sees(`-d '{"resourceId"`)
    expect(server.output).toContain(`  Clubs      ${club}  Riverside Tennis Club\n`)

    expect(await shell.paste(next("webhook=$("))).toContain('"signingSecret":"whsec_')
    await save("receiver.ts")
    await shell.paste(next("./scripts/bun receiver.ts &"))
    await shell.paste(next("book 09:00"))
    await shell.sees("booking.confirmed {")
    const deliveries = next("/deliveries")
    await eventually(async () => expect(await shell.paste(deliveries)).toContain('"status":"delivered"'))
  },
  { timeout },
)

test(
  "a live client gets the next booking, and a client with a wrong key gets the reason for its refusal",
  async () => {
    await save("live.ts")
    await shell.paste(next("./scripts/bun live.ts &"))
    await shell.sees(`"type":"subscribed"`)
    await shell.paste(next("book 11:00"))
    await shell.sees(`"type":"booking.update"`)
    expect(await shell.paste("KEY=wrong ./scripts/bun live.ts")).toContain("closed: 4401 the token is not valid")
  },
  { timeout },
)

test(
  "at the end both programs are stopped and the webhook is deleted",
  async () => {
    await shell.paste(next("kill $receiver $live"))
    const gone = "{ kill -0 $receiver || kill -0 $live; } 2>/dev/null && echo alive || echo stopped"
    await eventually(async () => expect(await shell.paste(gone)).toBe("stopped"))
    expect(await shell.paste('curl -s "$at/webhooks" -H "$auth"')).not.toContain("My first")
  },
  { timeout },
)

test(
  "the questions in SQL are answered",
  async () => {
    const psql = next("psql")
    const asked = ["event_positions", "event_log", "role_grants", "late_events"].map((view) => next(view, "sql"))
    const answers = await ask(psql, asked.join("\n"))
    expect(answers).not.toContain("ERROR")
    for (const found of ["booking.confirmed", "NotificationHandler", "Keller"]) expect(answers).toContain(found)
  },
  { timeout },
)

test(
  "after the demo has moved the clock, the printed links make a booking again, and the clock can be moved back",
  async () => {
    const demo = await shell.paste(next("./scripts/slotbase demo"))
    expect(demo).toContain("34 of the specification's 34 event types")
    expect(demo).toContain("days further ahead")
    const links = await shell.paste(next("./scripts/slotbase links"))
    expect(await shell.paste(lineOf(links, "export SLOTBASE="))).toBe("")
    expect(statusOf(await shell.paste(lineOf(links, "curl -s")))).toBe("confirmed")

    const back = next("./scripts/slotbase demo --back")
    expect(demo).toEndWith(back)
    expect(await shell.paste(back)).toContain("It shows the real time again.")
  },
  { timeout },
)

test(
  "the demo plays many days, here a few, and its ledger of ticks is right",
  async () => {
    const played = await shell.paste(next("./scripts/slotbase demo --fast --days 35").replace("35", "2"))
    expect(played).toContain("0 failed; zero twice, zero lost.")
  },
  { timeout },
)

test("no block of the README is left over", () => {
  expect(blocks).toEqual([])
})

function open(): Shell {
  const opened = new Shell(checkout.folder, variables)
  shells.push(opened)
  return opened
}

/** The next block of the page, which must be the expected one. */
function next(containing: string, language: Block["language"] = "sh"): string {
  const block = blocks.shift()
  expect(block?.language).toBe(language)
  expect(block?.text).toContain(containing)
  return block?.text ?? ""
}

/** Saves the next block, a program, under the name by which the page calls it. */
async function save(name: string): Promise<void> {
  const readme = await Bun.file(join(checkout.folder, "README.md")).text()
  expect(readme).toContain(` as \`${name}\``)
  await Bun.write(join(checkout.folder, name), next("", "ts"))
}

function lineOf(printed: string, beginning: string): string {
  const line = printed.split("\n").find((each) => each.startsWith(beginning))
  if (line === undefined) throw new Error(`no line begins with "${beginning}":\n${printed}`)
  return line
}

/** The status of the booking that curl printed; the receiver and the live client may print into the same shell. */
const statusOf = (printed: string) => /\{"id":"[^"]+","facilityId":.*?"status":"(\w+)"/.exec(printed)?.[1] ?? printed

/** By psql as the page says; on a machine without psql, by another client at the same address. */
async function ask(psql: string, question: string): Promise<string> {
  if (Bun.which("psql") !== null) return await shell.paste(`${psql} <<'END'\n${question.replace(/;?$/, ";")}\nEND`)
  const sql = postgres(await shell.paste("./scripts/slotbase url"), { max: 1 })
  try {
    return JSON.stringify(await sql.unsafe(question))
  } finally {
    await sql.end()
  }
}
