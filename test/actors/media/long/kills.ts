// Processes that are killed at every point of the work on a video, and in the middle of ffmpeg. The video gets each of
// its forms once, its thumbnail and its end are announced once, and no program is left running.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { utimes } from "node:fs/promises"
import { join } from "node:path"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { mediaProcessingHandler } from "#actors/handlers/media-processing.ts"
import { processMediaActor } from "#actors/media/process-media.ts"
import { type CrashPoint, mediaPoints } from "#base/crash-points.ts"
import { cleanUploads } from "#domain/media/cleanup.ts"
import { findFfmpeg } from "#domain/media/processing/ffmpeg.ts"
import { aForm, type FeedbackClub, makeFeedbackClub } from "#test/harness/club/feedback-club.ts"
import { aLongVideo, aSlowFfmpeg, aVideo } from "#test/harness/club/real-media.ts"
import { dispatchAll, processRow, runsOf } from "#test/harness/pipeline/pipeline.ts"
import { actorOf, drain } from "#test/harness/pipeline/runs.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let club: FeedbackClub
let short: Uint8Array
const tool = findFfmpeg(undefined)
const handler = mediaProcessingHandler()

beforeAll(async () => {
  club = await makeFeedbackClub()
  short = await aVideo(club.dataDir, { sound: false })
  await mirrorHandlers(club.db, [handler])
  await dispatchAll(club.db)
})
afterAll(() => club.stop())

const program = join(import.meta.dir, "../../../harness/pipeline/run-media.ts")
const start = (ffmpeg: string, ...more: readonly CrashPoint[]) =>
  Bun.spawn([process.execPath, program, club.api.database.url, club.dataDir, ffmpeg, ...more], {
    stdout: "ignore",
    stderr: "inherit",
  })

/** Works as another process does, until what is asked for is so. */
async function workUntil(isSo: () => Promise<void>): Promise<void> {
  const owner = await processRow(club.db, true)
  const runs = actorOf(club.db, owner, handler)
  const media = processMediaActor({ ...club.api.app, ffmpeg: tool }, { owner: () => owner })
  await eventually(
    async () => {
      await club.db`update slotbase.handler_queue set ready_at = slotbase.now() where handler = ${handler.name}`
      await drain(runs)
      await media.pass(signal)
      await media.idle()
      await isSo()
    },
    { withinMs: 25_000 },
  )
}
const { signal } = new AbortController()

async function upload(bytes: Uint8Array): Promise<string> {
  const feedbackId = await club.draft()
  const added = await club.send(club.coach, "POST", `/feedback/${feedbackId}/media`, aForm(bytes, { name: "a.mp4" }))
  expect(added.status).toBe(201)
  await dispatchAll(club.db)
  return added.body.id
}

const facts = async (id: string) => (await club.get(club.coach, `/media/${id}`)).body
const announced = async (id: string) =>
  (
    await club.db<{ type: string; success: boolean }[]>`
      select data ->> 'processingType' as type, (data -> 'success')::boolean as success
      from slotbase.events where type = 'media.processed' and data ->> 'mediaId' = ${id} order by id`
  ).map(({ type, success }) => [type, success])
const expireKilled = () =>
  club.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where pid <> 0`

const allRunsEnded = async () =>
  expect((await runsOf(club.db, handler.name)).filter(({ status }) => status !== "success")).toEqual([])

// A file has three attempts, so a video survives two kills.
const pairs = [
  ["media-claimed", "media-form-made"],
  ["media-form-stored", "media-form-kept"],
  ["media-made", "media-settled"],
] as const satisfies readonly (readonly CrashPoint[])[]
for (const [first, second] of pairs) {
  test(`killed at ${first} and then at ${second}, the video gets each form once`, async () => {
    const id = await upload(short)
    for (const point of [first, second]) {
      expect([point, await start(tool?.ffmpeg ?? "", point).exited]).toEqual([point, 137])
      await expireKilled()
    }
    // The last attempt waits for a minute.
    await club.db`update slotbase.media_processing set beat_at = beat_at - interval '1 minute' where media_id = ${id}`
    await workUntil(async () => {
      expect((await facts(id)).processing?.state).toBe("done")
      await allRunsEnded()
    })
    await isWhole(id, ["thumbnail", "360p"])
  }, 90_000)
}

async function isWhole(id: string, labels: readonly string[]): Promise<void> {
  expect((await facts(id)).forms.map(({ label }: { label: string }) => label)).toEqual(labels)
  expect(await announced(id)).toEqual([
    ["thumbnail", true],
    ["transcoding", true],
  ])
}

test("no point of the work on media is left out", () => {
  const points = mediaPoints.filter((each) => each.startsWith("media-"))
  expect(pairs.flat() as readonly string[]).toEqual(points)
})

test("bytes that a killed process stored without a row are removed by upload-cleanup", async () => {
  const known = async () =>
    [
      ...(await club.db<
        { id: string }[]
      >`select id from slotbase.media union all select id from slotbase.media_outputs`),
    ].map(({ id }) => id)
  const ids = await known()
  const stored = async () => (await club.files()).filter((path) => path.includes(club.id))
  // One form was stored and then had no row.
  expect((await stored()).length).toBeGreaterThan(ids.length)
  const tools = { db: club.db, storage: club.api.app.storage, config: { dataDir: club.dataDir } }
  await ageFiles()
  await cleanUploads(tools, new AbortController().signal)
  expect((await stored()).map((path) => path.split("/").at(-1)).sort()).toEqual(ids.sort())
})

/** Every stored file becomes two days old. */
async function ageFiles(): Promise<void> {
  const then = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000)
  for (const path of await club.files()) await utimes(path, then, then)
}

test("killed in the middle of ffmpeg, the program ends too, and another process makes the video", async () => {
  const id = await upload(await aLongVideo(club.dataDir))
  const first = start((await aSlowFfmpeg(club.dataDir)).ffmpeg)
  const working = () => {
    const { stdout } = Bun.spawnSync(["pgrep", "-f", `ffmpeg.*file:${club.dataDir}`])
    return stdout.toString().trim().split("\n").filter(Boolean).length
  }
  try {
    await eventually(
      async () => {
        expect((await facts(id)).processing).toMatchObject({ state: "running", step: "transcoding" })
        expect((await facts(id)).processing.progress).toBeGreaterThan(0)
      },
      { withinMs: 25_000 },
    )
    expect(working()).toBeGreaterThan(0)
  } finally {
    first.kill("SIGKILL")
    await first.exited
  }
  await eventually(async () => expect(working()).toBe(0))
  // Nobody says that the first process is gone: its life sign ends.
  await workUntil(async () => expect((await facts(id)).processing).toMatchObject({ state: "done" }))
  await isWhole(id, ["thumbnail", "360p", "720p"])
}, 90_000)
