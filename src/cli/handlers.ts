/**
 * slotbase handlers shadow: a new version of a handler over past events, beside the version in use. Nothing is changed.
 * The command line knows no actor, so actors/shadow/main.ts runs it as a process of its own.
 */
import { join } from "node:path"
import { isId } from "#base/ids.ts"
import { valuesOf, wordsOf } from "./arguments.ts"
import type { Command } from "./command.ts"

const taken = {
  name: "handlers",
  words: ["action", "handler"],
  options: ["--file", "--from", "--to", "--facility", "--limit"],
}
const use =
  "./scripts/slotbase handlers shadow NAME --file ./new.ts [--from 2026-11-01] [--to 2026-11-30] [--facility ID] [--limit 1000]"
/** Two runs of an event take some 20 ms. */
const mostEvents = 100_000

export const handlers: Command = {
  ...taken,
  description: "handlers shadow: run a new version of a handler over past events, change nothing, and say what differs",
  run: async (_, args) => {
    const [action, name] = wordsOf(taken, args)
    const values = valuesOf(taken, args)
    const file = values["--file"]
    const from = new Date(values["--from"] ?? 0)
    const until = new Date(values["--to"] ?? Date.now() + dayMs)
    const facilityId = values["--facility"]?.toLowerCase()
    const limit = Number(values["--limit"] ?? 1_000)
    const isAsked = action === "shadow" && name !== undefined && file !== undefined
    const isTime = !Number.isNaN(from.getTime()) && until > from
    const isBounded = Number.isInteger(limit) && limit >= 1 && limit <= mostEvents
    if (!isAsked || !isTime || !isBounded || (facilityId !== undefined && !isId(facilityId))) {
      console.error(`${use}\nAt most ${mostEvents} events; --to is excluded.`)
      return 2
    }
    const asked = { name, file, from: from.toISOString(), until: until.toISOString(), facilityId, limit }
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dir, "../../actors/shadow/main.ts"), JSON.stringify(asked)],
      {
        stdio: ["ignore", "inherit", "inherit"],
      },
    )
    // A terminal sends its signal to both; a supervisor only to this process.
    process.on("SIGINT", () => child.kill("SIGINT"))
    process.on("SIGTERM", () => child.kill("SIGTERM"))
    return child.exited
  },
}

const dayMs = 86_400_000
