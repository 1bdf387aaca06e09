// The process that embedded.test.ts kills: it starts the embedded database of a data directory, prints its address, and
// waits.

import { startEmbedded } from "#base/database/embedded/start.ts"

const server = await startEmbedded({ dataDir: process.argv[2] ?? "", settings: { fsync: "off" } })
console.log(server.url)
process.on("SIGINT", () => {})
await new Promise(() => process.stdin.resume())
