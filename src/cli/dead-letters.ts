/**
 * slotbase dead-letters: counts the open dead letters by their cause, and puts those of a cause back to work. A process
 * with actors does the work, at a rate.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Config } from "#base/config.ts"
import { connect, type Db } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { connectHints } from "#base/hints.ts"
import { isId } from "#base/ids.ts"
import { audit } from "#events/audit.ts"
import { operatorContext } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import { actionOf } from "#operations/dead-letters/action.ts"
import { beginReprocess } from "#operations/dead-letters/reprocess-batch.ts"
import {
  previewReprocess,
  ReprocessInput,
  type ReprocessPreview,
  selectionOf,
} from "#operations/dead-letters/selected.ts"
import { valuesOf, wordsOf } from "./arguments.ts"
import type { Command } from "./command.ts"
import { operator } from "./operator.ts"
import { requireMigrated } from "./require-migrated.ts"

const taken = {
  name: "dead-letters",
  words: ["action"],
  flags: ["--preview"],
  options: ["--handler", "--webhook", "--cause", "--since", "--until", "--rate", "--facility"],
}
const use =
  "./scripts/slotbase dead-letters [list | reprocess] [--handler=… | --webhook=…] [--cause=…] [--since=…] [--until=…]"

export const deadLetters: Command = {
  ...taken,
  description: "count open dead letters by cause; dead-letters reprocess: put those of a cause back to work",
  run: async (config, args) => {
    const [action = "list"] = wordsOf(taken, args)
    const asked = readFlags(args)
    if ((action !== "list" && action !== "reprocess") || asked === undefined) {
      console.error(`${use} [--facility=…] [--rate=…] [--preview]`)
      return 2
    }
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: "slotbase dead-letters" })
    try {
      await requireMigrated(database.url)
      const isPreview = action === "list" || args.includes("--preview")
      return await (isPreview ? count(db, asked) : begin(db, config, asked))
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

interface Asked {
  readonly facilityId: string | undefined
  readonly input: ReprocessInput
}

/** Says what is wrong with a value; undefined then. */
function readFlags(args: readonly string[]): Asked | undefined {
  const values = valuesOf(taken, args)
  const value = (name: string) => values[`--${name}`]
  const facilityId = value("facility")
  if (facilityId !== undefined && !isId(facilityId)) {
    console.error(`--facility is the id of a facility, not "${facilityId}".`)
    return undefined
  }
  const [rate, webhookId] = [value("rate"), value("webhook")]
  const given = {
    ...{ handler: value("handler"), webhookId, cause: value("cause"), since: value("since"), until: value("until") },
    ratePerSecond: rate === undefined ? undefined : Number(rate),
  }
  const input = Object.fromEntries(Object.entries(given).filter(([, each]) => each !== undefined))
  const result = Schema.decodeUnknownResult(ReprocessInput)(input)
  if (Result.isSuccess(result)) return { facilityId: facilityId?.toLowerCase(), input: result.success }
  console.error(String(result.failure))
  return undefined
}

async function count(db: Db, { facilityId, input }: Asked): Promise<number> {
  const preview = await previewReprocess(db, selectionOf(facilityId, input))
  for (const each of preview.byCause) {
    console.log(inWords(each))
    console.log(`          ${actionOf({ handler: each.handler, code: each.cause })}`)
  }
  const more = preview.complete ? "" : " There are more than a count looks at."
  console.log(`${preview.matched} open dead letters.${more}`)
  return 0
}

const inWords = ({ handler, webhookId, cause, count }: ReprocessPreview["byCause"][number]) =>
  `${String(count).padStart(8)}  ${(handler ?? `webhook ${webhookId}`).padEnd(46)} ${cause}`

async function begin(db: Db, config: Config, { facilityId, input }: Asked): Promise<number> {
  const disconnect = await connectHints(db)
  try {
    const context = operatorContext(config.environment, "slotbase dead-letters reprocess")
    const { result } = await transact(db, context, async (tx) => {
      const replay = await beginReprocess(tx, operator, facilityId, input)
      audit(tx, {
        action: "dead_letter.reprocess_begun",
        subjectId: replay.id,
        ...(facilityId !== undefined && { facilityId }),
        after: { ...input },
      })
      return replay
    })
    console.log(`Begun: replay ${result.id}, ${result.ratePerSecond} a second. Follow it: GET /v1/replays/${result.id}`)
    return 0
  } finally {
    await disconnect()
  }
}
