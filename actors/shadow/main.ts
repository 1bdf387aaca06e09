/**
 * `slotbase handlers shadow NAME --file FILE`, as a program of its own: the command line knows no actor, and starts
 * this file. It writes nothing. Ctrl-C ends it after the present event, with the summary so far.
 */

import { extensionHandler } from "#actors/handlers/extension.ts"
import { handlersOf, reservedNames } from "#actors/handlers/index.ts"
import { openOutside } from "#api/outside.ts"
import { BadConfig, parseConfig } from "#base/config.ts"
import { connect } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { loadSecretKey } from "#base/secret-key.ts"
import { secretBox } from "#base/secrets.ts"
import { loadExtension, noExtension } from "#hooks/load-extension.ts"
import { openChannels } from "#outbound/messages/channels/open-channels.ts"
import { ShadowRefused, type ShadowReport, shadowReplay } from "./shadow.ts"

/** What src/cli/handlers.ts has checked. */
interface Asked {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly until: string
  readonly facilityId?: string
  readonly limit: number
}

const asked = JSON.parse(process.argv[2] ?? "{}") as Asked
const stopping = new AbortController()
process.on("SIGINT", () => stopping.abort())
process.on("SIGTERM", () => stopping.abort())

async function main(): Promise<number> {
  const config = parseConfig(process.env)
  const { name, file, from, until, facilityId, limit } = asked
  const fresh = (await loadExtension(file, [])).handlers.find((each) => each.name === name)
  if (fresh === undefined) throw new ShadowRefused(`${file} has no handler ${name}.`)
  const { extensions } = config
  const own = extensions === undefined ? noExtension : await loadExtension(extensions, reservedNames)
  const secrets = secretBox(await loadSecretKey(config))
  const database = await reachDatabase(config)
  const db = connect(database.url, { max: 3, applicationName: "slotbase handlers shadow" })
  const channels = openChannels({ config, db, secrets })
  try {
    const tools = { config, db, secrets, channels, ...openOutside(config, db), ownHandlers: own.handlers }
    const old = handlersOf(tools).find((each) => each.name === name)
    if (old === undefined) throw new ShadowRefused(`There is no handler ${name}.`)
    const report = await shadowReplay(db, {
      ...{
        old,
        fresh: extensionHandler(fresh, tools),
        from: new Date(from),
        until: new Date(until),
        facilityId,
        limit,
      },
      environment: config.environment,
      stopping: stopping.signal,
      onProgress: (events) => {
        if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${events} events`)
      },
    })
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
    print(report)
    return report.counts.same === report.events ? 0 : 1
  } finally {
    await Promise.all(channels.map((channel) => channel.close()))
    await db.end()
    await database.stop()
  }
}

const shownLines = 8
const shownWidth = 400

function print({ events, counts, nothing, examples, incomplete, more }: ShadowReport): void {
  console.log(`${events} events, and nothing was changed.`)
  console.log(`  the same      ${counts.same} (${nothing} of them did nothing)`)
  console.log(`  different     ${counts.different}`)
  console.log(`  only the old  ${counts.only_old}`)
  console.log(`  only the new  ${counts.only_new}`)
  console.log(`  failed        old ${counts.failed_old}, new ${counts.failed_new}, both ${counts.failed_both}`)
  if (incomplete > 0) console.log(`  ${incomplete} wrote rows of large tables that were not all found.`)
  if (more) console.log("  There are more events: raise --limit, or begin later with --from.")
  for (const { verdict, eventId, type, lines } of examples) {
    console.log(`\n${verdict}: ${type} ${eventId}`)
    for (const line of lines.slice(0, shownLines)) console.log(`  ${line.slice(0, shownWidth)}`)
    if (lines.length > shownLines) console.log(`  and ${lines.length - shownLines} more lines`)
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = error instanceof BadConfig || (error instanceof Error && "_tag" in error)
    console.error(known ? (error as Error).message : error)
    process.exit(2)
  },
)
