/** What the doctor asks besides the database: the parts of the running server, and the room on the data directory. */
import { statfs } from "node:fs/promises"
import type { Config } from "#base/config.ts"
import type { Part } from "#base/parts.ts"
import type { Check } from "#operations/doctor.ts"
import { addressOf } from "./running-server.ts"

/** Below this room an operator should act. PostgreSQL's log of changes alone may take two gigabytes. */
const leastRoomBytes = 512 * 1024 * 1024
const answerWithinMs = 5_000

/** The server at the configured address; a well check when none runs there. */
export async function partsOfServer(config: Config): Promise<Check> {
  const name = "parts"
  const address = `${addressOf(config)}/readyz`
  const answer = await fetch(address, { signal: AbortSignal.timeout(answerWithinMs) }).catch(() => undefined)
  if (answer === undefined) return { name, well: true, says: `no server answers at ${addressOf(config)}` }
  const body = (await answer.json().catch(() => ({}))) as { detail?: string; parts?: readonly Part[] }
  const found = body.parts ?? []
  if (answer.status !== 200)
    return { name, well: false, says: `the server is not ready: ${body.detail ?? answer.status}` }
  const unwell = found.filter(({ state }) => state !== "well")
  if (unwell.length > 0)
    return { name, well: false, says: unwell.map(({ part, reason }) => `${part}: ${reason}`).join(" ") }
  const restarted = found
    .filter(({ restarts }) => restarts > 0)
    .map(({ part, restarts }) => `${part} ${restarts} times`)
  return {
    name,
    well: true,
    says: restarted.length === 0 ? `all ${found.length} are well` : `all are well; restarted: ${restarted.join(", ")}`,
  }
}

/** The room for the embedded database and for uploads. */
export async function roomOf({ dataDir }: Config): Promise<Check> {
  const name = "disk"
  const room = await statfs(dataDir).catch(() => undefined)
  if (room === undefined) return { name, well: true, says: `${dataDir} is not there yet` }
  const bytes = room.bavail * room.bsize
  const megabytes = `${Math.floor(bytes / 1024 / 1024)} MB free below ${dataDir}`
  return bytes < leastRoomBytes
    ? { name, well: false, says: `${megabytes}: make room, or writes will be refused` }
    : { name, well: true, says: megabytes }
}
