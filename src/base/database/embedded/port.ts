// The loopback port of the embedded database. A free port is used again at every start, so that a DBA's saved
// connection keeps working.

import { createServer } from "node:net"
import { EmbeddedUnavailable } from "./unavailable.ts"

/** Linux hands out ports from 32768 to outgoing connections, which could take ours between two starts. */
const firstPort = 20_000
const lastPort = 32_000

export async function choosePort(wanted: number | undefined, remembered: number | undefined): Promise<number> {
  if (wanted !== undefined) {
    if (await isFree(wanted)) return wanted
    throw new EmbeddedUnavailable(
      "port_taken",
      `Port ${wanted}, wanted for the database, is taken; choose another one.`,
    )
  }
  if (remembered !== undefined && (await isFree(remembered))) return remembered
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort))
    if (await isFree(port)) return port
  }
  throw new EmbeddedUnavailable(
    "port_taken",
    `No free port between ${firstPort} and ${lastPort} was found for the database.`,
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)))
  })
}
