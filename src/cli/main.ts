/**
 * The command line. It needs no key, because it reaches the database itself. Its commands are one list, and each is a
 * file in this folder.
 */
import { BadConfig, parseConfig } from "#base/config.ts"
import { EmbeddedUnavailable } from "#base/database/embedded/unavailable.ts"
import { unknownVariables } from "#base/unknown-variables.ts"
import { refusalOf } from "./arguments.ts"
import type { Command } from "./command.ts"
import { deadLetters } from "./dead-letters.ts"
import { demo } from "./demo.ts"
import { doctor } from "./doctor.ts"
import { events } from "./events.ts"
import { figures } from "./figures.ts"
import { grantReader } from "./grant-reader.ts"
import { handlers } from "./handlers.ts"
import { jobs } from "./jobs.ts"
import { links } from "./links.ts"
import { mail } from "./mail.ts"
import { messages } from "./messages.ts"
import { migrateCommand } from "./migrate.ts"
import { url } from "./url.ts"
import { webhooks } from "./webhooks.ts"
import { zones } from "./zones.ts"

const commands: readonly Command[] = [
  links,
  url,
  demo,
  migrateCommand,
  doctor,
  events,
  grantReader,
  jobs,
  deadLetters,
  webhooks,
  mail,
  messages,
  figures,
  handlers,
  zones,
]

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  const command = commands.find((each) => each.name === name)
  if (!command) {
    const asked = name !== undefined && name !== "help" && name !== "--help"
    if (asked) console.error(`There is no command "${name}".\n`)
    console.log(`./scripts/slotbase <command>\n`)
    for (const each of commands) console.log(`  ${each.name.padEnd(12)} ${each.description}`)
    return asked ? 2 : 0
  }
  const refusal = refusalOf(command, rest)
  if (refusal !== undefined) {
    console.error(refusal)
    return 2
  }
  for (const warning of unknownVariables(process.env)) console.error(warning)
  try {
    return await command.run(parseConfig(process.env), rest)
  } catch (error) {
    const known =
      error instanceof BadConfig || error instanceof EmbeddedUnavailable || (error instanceof Error && "_tag" in error)
    console.error(known ? (error as Error).message : error)
    return 1
  }
}

process.exit(await main(process.argv.slice(2)))
