// Uploads whose reading never ends, takes all memory or dies: a clear refusal, nothing left, and the next file works.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type BoundedTask, ChildPool, poolLimits, runBounded } from "#base/bounded/run-bounded.ts"
import { newId } from "#base/ids.ts"
import { storagesOf } from "#base/storage/open.ts"
import { readTracks } from "#domain/media/inspect.ts"
import { readKind } from "#domain/media/kinds.ts"
import type { MediaTasks } from "#domain/media/receive.ts"
import { receiveUpload } from "#domain/media/upload.ts"
import { errorAnswerOf } from "#http/problems.ts"
import { aForm } from "#test/harness/club/feedback-club.ts"
import { jpeg, mp4, wav } from "#test/harness/club/media-files.ts"

const facilityId = newId()
let dataDir: string
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slotbase-reading-"))
})
afterAll(() => rm(dataDir, { recursive: true }))

const userId = newId()

/** The same task, with the work of a test's module. */
const instead = <I, O>(task: BoundedTask<I, O>, module: string, timeMs: number): BoundedTask<I, O> => ({
  ...task,
  module: join(import.meta.dir, "../../base/bounded/tasks", `${module}.ts`),
  timeMs,
})

/** The outcome of an upload: its kind and duration, or its refusal. */
async function upload(bytes: Uint8Array, mediaTasks: MediaTasks = {}) {
  const config = { dataDir, maxUploadBytes: 16 * 1024 * 1024 }
  const request = new Request("http://slotbase.test/", { method: "POST", body: aForm(bytes) })
  const storage = storagesOf({ ...config, s3: undefined })
  try {
    const { files } = await receiveUpload({ storage, config, mediaTasks }, request, { userId, facilityId, maxFiles: 1 })
    return files.map(({ mediaType, durationSeconds }) => [mediaType, durationSeconds])
  } catch (error) {
    const { status, body, headers } = errorAnswerOf(error) ?? {}
    const { code, errors } = (body ?? {}) as { code?: string; errors?: unknown }
    return { status, code, errors, retryAfter: headers?.["retry-after"] }
  }
}
const stored = async () => (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((f) => f.isFile())

const unreadable = {
  status: 422,
  code: "media_unreadable",
  errors: [{ path: "body.file", message: "Expected a file that can be read" }],
  retryAfter: undefined,
}
const unavailable = { status: 503, code: "media_reading_unavailable", errors: undefined, retryAfter: "5" }

test("a file whose kind can't be read in time is refused, and leaves nothing", async () => {
  const before = (await stored()).length
  expect(await upload(jpeg(), { kind: instead(readKind, "loop", 300) })).toEqual(unreadable)
  expect((await stored()).length).toBe(before)
  expect(await upload(jpeg())).toEqual([["photo", undefined]])
})

test("a file whose tracks can't be read in time is taken without its duration", async () => {
  expect(await upload(mp4(3), { tracks: instead(readTracks, "loop", 300) })).toEqual([["video", undefined]])
  expect(await upload(mp4(3))).toEqual([["video", 3]])
})

test("recordings of browsers have their whole length, and sound without a picture is a voice note", async () => {
  // Chromium 150 recorded a second of a tone: as WebM in slices, whose parts have no sizes, and as MP4 in fragments.
  const recording = (name: string) => Bun.file(join(import.meta.dir, "../../harness/club/recordings", name)).bytes()
  expect(await upload(await recording("sliced.webm"))).toEqual([["audio", 0.9]])
  expect(await upload(await recording("fragmented.mp4"))).toEqual([["audio", 0.92]])
})

test("a file that crashes its reader is refused, and leaves nothing", async () => {
  const before = (await stored()).length
  expect(await upload(wav(1), { tracks: instead(readTracks, "crash", 20_000) })).toEqual(unreadable)
  expect(await upload(wav(1), { tracks: instead(readTracks, "throw", 20_000) })).toEqual(unreadable)
  expect(await upload(wav(1), { kind: instead(readKind, "answer", 20_000) })).toEqual(unreadable)
  expect((await stored()).length).toBe(before)
  expect(await upload(wav(1))).toEqual([["audio", 1]])
})

test("a reader that somebody else ends twice is a 503, and leaves nothing", async () => {
  const before = (await stored()).length
  expect(await upload(wav(1), { tracks: instead(readTracks, "killed", 20_000) })).toEqual(unavailable)
  expect((await stored()).length).toBe(before)
  expect(await upload(wav(1))).toEqual([["audio", 1]])
})

test("a file whose reader takes all memory is refused, and leaves nothing", async () => {
  const before = (await stored()).length
  expect(await upload(wav(1), { tracks: instead(readTracks, "allocate", 20_000) })).toEqual(unreadable)
  expect((await stored()).length).toBe(before)
  expect(await upload(wav(1))).toEqual([["audio", 1]])
})

test("the real readers answer in a child of a pool of their own, and read what they read before", async () => {
  const pool = new ChildPool(poolLimits)
  const head = Buffer.from(jpeg()).toString("base64")
  expect(await pool.run(readKind, { head }, facilityId)).toBe("image/jpeg")
  expect(await pool.run(readKind, { head: "" }, facilityId)).toBe(null)
  expect(await runBounded(readTracks, { path: "/there/is/no/such/file" }, facilityId)).toEqual({
    hasSound: false,
    hasPicture: false,
    seconds: [],
  })
  await pool.close()
})
