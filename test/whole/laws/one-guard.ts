/**
 * Whatever leaves the process goes through the guard in src/base/egress. A request elsewhere would reach private
 * networks, follow redirects, or be sent twice by its client.
 */

import { type Law, product } from "./law.ts"
import { importsOf } from "./reading/imports.ts"
import { codeOf } from "./reading/typescript.ts"

const guard = /^src\/base\/egress\//
/** It runs in browsers and in the programs of others, and reaches SlotBase itself. */
const inBrowsers = /^src\/web\/(live|booking)\//
// Of nodemailer's parts only its encoders, and its reader of addresses, connect to nothing.
const clients =
  /^(node:)?(https?|http2|net|tls|dgram)$|^(undici|axios|got|ky|node-fetch|ws|web-push)$|^nodemailer(?!\/lib\/(mime-funcs|qp|shared)$)(\/|$)/
const calls =
  /(?<![.\w])fetch\s*\(|\bglobalThis\s*\.\s*fetch\b|\bBun\s*\.\s*(fetch|connect|udpSocket|S3Client)\b|\bnew\s+(WebSocket|EventSource|XMLHttpRequest)\b/

export const oneGuardLaw: Law = {
  name: "everything that leaves the process goes through src/base/egress",
  reads: [product],
  check: (sources) =>
    sources
      .filter(({ path }) => !guard.test(path) && !inBrowsers.test(path))
      .flatMap((source) => {
        const called = calls.exec(codeOf(source.text))?.[0].replace(/\s*\($/, "")
        const imported = importsOf(source).find(({ name }) => clients.test(name))?.name
        return [
          ...(called === undefined ? [] : [{ file: source.path, says: `connects by ${called}` }]),
          ...(imported === undefined ? [] : [{ file: source.path, says: `imports ${imported}` }]),
        ]
      }),
  exceptions: {
    "src/api/listener-watch.ts": "asks this process's own listener whether it still answers",
    "src/base/database/certificate-hash.ts": "asks the database server that the operator configured",
    "src/base/database/connection-string.ts": "takes isIP, and connects to nothing",
    "src/base/database/tls.ts": "takes isIP, and connects to nothing",
    "src/base/database/embedded/port.ts": "looks for a free port on this machine",
    "src/base/database/embedded/probe.ts": "asks the embedded PostgreSQL on this machine",
    "src/base/storage/s3.ts": "reaches only the store that the operator configured, by Bun's S3 client",
    "src/cli/parts-of-server.ts": "asks the operator's own server",
    "src/cli/running-server.ts": "asks the operator's own server",
    "src/demo/stage.ts": "asks the server of its own process",
    "src/events/audit.ts": "takes isIP, and connects to nothing",
    "src/outbound/messages/channels/email/mailbox-server.ts": "listens on this machine, and connects to nothing",
    "src/outbound/messages/channels/email/smtp-connections.ts":
      "reaches only the mail server that the operator configured",
  },
  broken: [
    {
      tree: {
        "src/domain/a.ts": "await fetch(url)",
        "src/outbound/b.ts": 'import { request } from "node:https"',
        "actors/c.ts": "const socket = await Bun.connect({})",
        "src/outbound/d.ts": 'import { sendNotification } from "web-push"',
        "src/outbound/e.ts": "new WebSocket(url)",
        "src/outbound/f.ts": 'import SMTPPool from "nodemailer/lib/smtp-pool"',
      },
      says: [
        "src/domain/a.ts connects by fetch",
        "src/outbound/b.ts imports node:https",
        "actors/c.ts connects by Bun.connect",
        "src/outbound/d.ts imports web-push",
        "src/outbound/e.ts connects by new WebSocket",
        "src/outbound/f.ts imports nodemailer/lib/smtp-pool",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/egress/connection.ts": 'import { connect } from "node:net"',
        "src/domain/a.ts": 'import { guardedFetch } from "#base/egress/fetch.ts"\nawait guardedFetch(url)',
        "src/outbound/b.ts": 'import { encode } from "nodemailer/lib/qp"',
        "src/api/server.ts": "Bun.serve({ fetch: handle })\n// fetch(url)\nserver.fetch(request)",
      },
    },
  ],
}
