/**
 * slotbase events tail: prints the events of a facility, or of all, as they happen. It reads the log itself, and goes
 * on over restarts of the server.
 */
import { clock } from "#base/clock.ts"
import { connect, type Db } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { RuleBroken } from "#base/errors.ts"
import { connectHints } from "#base/hints.ts"
import { isId } from "#base/ids.ts"
import { definitionOf } from "#events/catalogue.ts"
import { placeText, readPlace } from "#events/log-place.ts"
import type { FeedPage } from "#outbound/feed/log.ts"
import { FeedTail, tailFeed } from "#outbound/feed/tail.ts"
import { valuesOf, wordsOf } from "./arguments.ts"
import type { Command } from "./command.ts"
import { requireMigrated } from "./require-migrated.ts"

const taken = { name: "events", words: ["action"], options: ["--facility", "--types", "--after"], flags: ["--json"] }
const use = "./scripts/slotbase events tail [--facility ID] [--types a,b] [--after POSITION] [--json]"

export const events: Command = {
  ...taken,
  description: "events tail: print events as they happen",
  run: async (config, args) => {
    const [action, ...more] = wordsOf(taken, args)
    if (action !== "tail" || more.length > 0) {
      console.error(use)
      return 2
    }
    const asked = askedOf(valuesOf(taken, args))
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: "slotbase events tail" })
    try {
      await requireMigrated(database.url)
      await clock.follow(db)
      return await tail(db, asked, args.includes("--json"))
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

interface AskedTail {
  readonly facilityId: string | undefined
  readonly types: readonly string[] | undefined
  /** Undefined: from now on. */
  readonly after: string | undefined
}

function askedOf(values: Readonly<Record<string, string>>): AskedTail {
  const { "--facility": facilityId, "--types": types, "--after": after } = values
  if (facilityId !== undefined && !isId(facilityId)) throw new RuleBroken("bad_facility", "--facility takes an id.")
  if (after !== undefined && readPlace(after) === undefined)
    throw new RuleBroken("bad_position", "--after takes a position, with or without its epoch.")
  const names = types?.split(",")
  const unknown = names?.find((name) => definitionOf(name) === undefined)
  if (unknown !== undefined) throw new RuleBroken("unknown_event_type", `There is no event type ${unknown}.`)
  return { facilityId: facilityId?.toLowerCase(), types: names, after }
}

/** Goes on until SIGINT or SIGTERM. */
async function tail(db: Db, { facilityId, types, after }: AskedTail, asJson: boolean): Promise<number> {
  const stop = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort())
  const disconnect = await connectHints(db)
  const [{ last }] = await db<[{ last: number }]>`
    select coalesce(max(position), 0) as last from slotbase.event_positions`
  const { position, epoch } = readPlace(after ?? String(last)) ?? { position: last }
  try {
    const query = { facilityId, types, after: position, epoch }
    for await (const page of tailFeed(db, new FeedTail(db), query, { signal: stop.signal, quietMs }))
      print(page, asJson)
  } finally {
    await disconnect()
  }
  return 0
}

function print({ data, epoch }: FeedPage, asJson: boolean): void {
  for (const event of data) {
    const place = placeText(event.position ?? 0, epoch)
    if (asJson) console.log(JSON.stringify({ ...event, epoch }))
    else console.log(`${event.timestamp}  ${place.padEnd(26)}  ${event.type.padEnd(28)}  ${event.id}`)
  }
}

/** Nothing is printed then. */
const quietMs = 15_000
