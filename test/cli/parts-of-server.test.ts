// What the doctor asks besides the database: a running server and the room on the disk, well and ill.

import { expect, test } from "bun:test"
import { parseConfig } from "#base/config.ts"
import { partsOfServer, roomOf } from "#cli/parts-of-server.ts"
import { type SmallVolume, smallVolume } from "#test/harness/setup/small-volume.ts"
import { freePort } from "#test/harness/setup/system.ts"

const answering = async (status: number, body: object) => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(body, { status }) })
  const check = await partsOfServer({ ...parseConfig({}), port: server.port ?? 0 })
  await server.stop(true)
  return check
}
const well = { part: "database", state: "well", restarts: 0 }

test("no server is no fault, and a server tells of its parts", async () => {
  const port = await freePort()
  const none = await partsOfServer({ ...parseConfig({}), port })
  expect(none).toEqual({ name: "parts", well: true, says: `no server answers at http://127.0.0.1:${port}` })
  expect(await answering(200, { parts: [well] })).toEqual({ name: "parts", well: true, says: "all 1 are well" })
  expect(await answering(200, { parts: [well, { ...well, part: "pg-boss", restarts: 2 }] })).toEqual({
    name: "parts",
    well: true,
    says: "all are well; restarted: pg-boss 2 times",
  })
})

test("a part that is restarting, and a server that is not ready, are named", async () => {
  const hints = { part: "hints", state: "restarting", reason: "It is replaced.", restarts: 0 }
  expect(await answering(200, { parts: [well, hints] })).toEqual({
    name: "parts",
    well: false,
    says: "hints: It is replaced.",
  })
  expect(await answering(503, { detail: "The disk of the database is full." })).toEqual({
    name: "parts",
    well: false,
    says: "the server is not ready: The disk of the database is full.",
  })
})

test("too little room is named", async () => {
  const config = parseConfig({})
  expect((await roomOf({ ...config, dataDir: "/nowhere" })).says).toBe("/nowhere is not there yet")
  const volume: SmallVolume | undefined = await smallVolume(4)
  const dataDir = volume?.path ?? "/proc"
  const room = await roomOf({ ...config, dataDir })
  await volume?.remove()
  expect(room.well).toBe(false)
  expect(room.says).toMatch(/^\d MB free below .*: make room, or writes will be refused$/)
})
