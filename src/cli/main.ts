/**
 * The command line. It needs no key, because it reaches the database itself. Its commands are one list, and each is a
 * file in this folder.
 */
import { BadConfig, parseConfig } from "#base/config.ts"
import { EmbeddedUnavailable } from "#base/database/embedded/unavailable.ts"
import { editsBetween } from "#base/edits.ts"
import { unknownVariables } from "#base/unknown-variables.ts"
import { asksForHelp, mostEdits, refusalOf, useOf } from "./arguments.ts"
import type { Command } from "./command.ts"

/** Loaded when it is asked for: a file brings its part of the program with it, which takes up to a second. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  links: () => import("./links.ts").then((file) => file.links),
  url: () => import("./url.ts").then((file) => file.url),
  demo: () => import("./demo.ts").then((file) => file.demo),
  migrate: () => import("./migrate.ts").then((file) => file.migrateCommand),
  doctor: () => import("./doctor.ts").then((file) => file.doctor),
  events: () => import("./events.ts").then((file) => file.events),
  "grant-reader": () => import("./grant-reader.ts").then((file) => file.grantReader),
  jobs: () => import("./jobs.ts").then((file) => file.jobs),
  "dead-letters": () => import("./dead-letters.ts").then((file) => file.deadLetters),
  webhooks: () => import("./webhooks.ts").then((file) => file.webhooks),
  mail: () => import("./mail.ts").then((file) => file.mail),
  messages: () => import("./messages.ts").then((file) => file.messages),
  figures: () => import("./figures.ts").then((file) => file.figures),
  handlers: () => import("./handlers.ts").then((file) => file.handlers),
  zones: () => import("./zones.ts").then((file) => file.zones),
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args[0] === "help" && args.length > 1 ? [...args.slice(1), "--help"] : args
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!load) {
    const asked = name !== undefined && name !== "help" && name !== "--help"
    const near = Object.keys(commands).find((each) => name !== undefined && editsBetween(name, each) <= mostEdits)
    if (asked) console.error(`There is no command "${name}"${near ? `: did you mean ${near}?` : "."}\n`)
    console.log(`./scripts/slotbase <command>\n`)
    const all = await Promise.all(Object.values(commands).map((each) => each()))
    for (const each of all) console.log(`  ${each.name.padEnd(12)} ${each.description}`)
    return asked ? 2 : 0
  }
  const command = await load()
  if (asksForHelp(rest)) {
    console.log(`${command.description}\n\n${useOf(command)}`)
    return 0
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
