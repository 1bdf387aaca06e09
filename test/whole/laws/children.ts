/**
 * Third-party code that reads what strangers send stays in tasks of child processes, where it can be stopped. The
 * program loads a task by its path only, so it never runs the code itself.
 */

import { type Law, product } from "./law.ts"
import { importsOf, isPackage } from "./reading/imports.ts"

const task = /\/tasks\/[^/]+\.ts$/
/**
 * The server of the local mailbox has to run in the program, and reads the heads of the program's own mails. The
 * program loads it when there is a mailbox.
 */
const mailboxServer = /\/email\/mailbox-server\.ts$/
const parsers = ["file-type", "mediabunny", "mailparser", "smtp-server"] as const

export const parsersLaw: Law = {
  name: "parsers of what strangers send stay in tasks of child processes",
  reads: [product],
  check: (sources) =>
    sources.flatMap((source) =>
      importsOf(source)
        .filter(({ name }) => isPackage(name, ...parsers))
        .filter(({ name }) => name === "smtp-server" || !task.test(source.path))
        .filter(({ name }) => !/^(smtp-server|mailparser)$/.test(name) || !mailboxServer.test(source.path))
        .map(({ name }) => ({ file: source.path, says: `imports ${name}` })),
    ),
  broken: [
    {
      tree: {
        "src/domain/media/kinds.ts": 'import { fileTypeFromBuffer } from "file-type"',
        "src/domain/media/tasks.ts": 'import { Input } from "mediabunny/node"',
        "src/outbound/messages/channels/email/mailbox.ts": 'const { simpleParser } = await import("mailparser")',
        "src/outbound/messages/channels/email/tasks/serve.ts": 'import { SMTPServer } from "smtp-server"',
      },
      says: [
        "src/domain/media/kinds.ts imports file-type",
        "src/domain/media/tasks.ts imports mediabunny/node",
        "src/outbound/messages/channels/email/mailbox.ts imports mailparser",
        "src/outbound/messages/channels/email/tasks/serve.ts imports smtp-server",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/domain/media/tasks/tracks.ts": 'import { Input } from "mediabunny"',
        "src/outbound/messages/channels/email/mailbox-server.ts": 'import { SMTPServer } from "smtp-server"',
        "src/domain/media/kinds.ts": 'const kind = "file-type"',
      },
    },
  ],
}

export const tasksLaw: Law = {
  name: "a task of a child process, and the server of the local mailbox, are never loaded with the program",
  reads: [product],
  check: (sources) =>
    sources.flatMap((source) =>
      importsOf(source)
        .filter(({ typeOnly, path = "" }) => !typeOnly && (task.test(path) || mailboxServer.test(path)))
        .filter(({ path = "", isDynamic }) => !(isDynamic && mailboxServer.test(path)))
        .map(({ path }) => ({ file: source.path, says: `loads ${path}` })),
    ),
  broken: [
    {
      tree: {
        "src/domain/media/inspect.ts": 'import tracks from "./tasks/tracks.ts"',
        "src/domain/media/kinds.ts": 'const { default: kind } = await import("#domain/media/tasks/kind.ts")',
        "src/outbound/messages/channels/email/smtp.ts": 'import { startMailboxServer } from "./mailbox-server.ts"',
      },
      says: [
        "src/domain/media/inspect.ts loads src/domain/media/tasks/tracks.ts",
        "src/domain/media/kinds.ts loads src/domain/media/tasks/kind.ts",
        "src/outbound/messages/channels/email/smtp.ts loads src/outbound/messages/channels/email/mailbox-server.ts",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/domain/media/inspect.ts": 'import type { Input } from "./tasks/tracks.ts"',
        "src/domain/media/tasks/tracks.ts": 'import { inspect } from "../inspect.ts"',
        "src/outbound/messages/channels/email/smtp.ts":
          'import type { MailboxServer } from "./mailbox-server.ts"\nconst server = await import("./mailbox-server.ts")',
      },
    },
  ],
}
