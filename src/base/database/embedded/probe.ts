// Asks a PostgreSQL on the loopback whether it takes connections, without logging in: the first answer to a greeting is
// enough. It needs a new backend, so it also finds a server whose old connections still work.

import { connect } from "node:net"

/**
 * - takes: it takes connections, or refuses one for a reason of its own, such as too many.
 * - starting: it recovers after a crash, and will take connections.
 * - stopping: it waits for its sessions to end, and takes no new one.
 * - silent: nothing answers in time.
 */
export type ServerAnswer = "takes" | "starting" | "stopping" | "silent"

export function askServer(port: number, withinMs: number): Promise<ServerAnswer> {
  const { promise, resolve } = Promise.withResolvers<ServerAnswer>()
  const socket = connect({ port, host: "127.0.0.1" })
  const timer = setTimeout(() => resolve("silent"), withinMs)
  socket.once("connect", () => socket.write(greeting))
  socket.once("data", (bytes: Buffer) => resolve(meaningOf(bytes)))
  socket.once("error", () => resolve("silent"))
  socket.once("close", () => resolve("silent"))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

/** https://www.postgresql.org/docs/18/protocol-message-formats.html: StartupMessage, version 3.0. */
const greeting = (() => {
  const fields = Buffer.from("user\0slotbase\0database\0slotbase\0application_name\0slotbase watch\0\0")
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + fields.length, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, fields])
})()

/** An ErrorResponse has fields of a letter and a text. 57P03 is cannot_connect_now. */
function meaningOf(bytes: Buffer): ServerAnswer {
  if (bytes[0] !== "E".charCodeAt(0)) return "takes"
  const text = bytes.toString("latin1")
  if (!text.includes("C57P03")) return "takes"
  return text.includes("shutting down") ? "stopping" : "starting"
}
