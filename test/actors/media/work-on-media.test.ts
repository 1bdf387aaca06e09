// The work on media beside everything else: its dead letters, its turns, its end when the process stops, and files that
// are removed meanwhile. The files are photos, which need no other program, except where one is stopped.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { mediaProcessingHandler } from "#actors/handlers/media-processing.ts"
import { processMediaActor } from "#actors/media/process-media.ts"
import { newId } from "#base/ids.ts"
import { findFfmpeg } from "#domain/media/processing/ffmpeg.ts"
import { claimMedia } from "#domain/media/processing/rows.ts"
import { aForm, type FeedbackClub, makeFeedbackClub } from "#test/harness/club/feedback-club.ts"
import { aLongVideo, aPhoto, aSlowFfmpeg, aVideo } from "#test/harness/club/real-media.ts"
import { startFakeS3 } from "#test/harness/outside/fake-s3.ts"
import { dispatchAll, endProcess, processRow } from "#test/harness/pipeline/pipeline.ts"
import { actorOf, drain } from "#test/harness/pipeline/runs.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let club: FeedbackClub
let photo: Uint8Array
const handler = mediaProcessingHandler()
const never = new AbortController().signal

beforeAll(async () => {
  club = await makeFeedbackClub()
  photo = await aPhoto("jpeg")
  await mirrorHandlers(club.db, [handler])
  await dispatchAll(club.db)
})
afterAll(() => club.stop())

async function upload(bytes: Uint8Array, name = "serve.jpg", at = club) {
  const feedbackId = await at.draft()
  const added = await at.send(at.coach, "POST", `/feedback/${feedbackId}/media`, aForm(bytes, { name }))
  expect(added.status).toBe(201)
  return added.body.id as string
}

/** Lets the handler of a new process look at all files. */
async function handled(at = club): Promise<number> {
  const owner = await processRow(at.db, true)
  await dispatchAll(at.db)
  await at.db`update slotbase.handler_queue set ready_at = slotbase.now() where handler = ${handler.name}`
  await drain(actorOf(at.db, owner, handler))
  return owner
}

const actorFor = (owner: number, tool = findFfmpeg(undefined), at = club) =>
  processMediaActor({ ...at.api.app, ffmpeg: tool }, { owner: () => owner })

async function worked(owner: number, tool = findFfmpeg(undefined), at = club): Promise<void> {
  const actor = actorFor(owner, tool, at)
  await actor.pass(never)
  await actor.idle()
  await actor.pass(never)
}

const facts = async (id: string, at = club) => (await at.get(at.coach, `/media/${id}`)).body
const runOf = async (id: string) =>
  (
    await club.db<[{ status: string }]>`
    select status from slotbase.handler_runs where handler = ${handler.name} and event_id = ${id}`
  )[0].status
const eventOf = async (id: string) =>
  (
    await club.db<
      [{ id: string }]
    >`select id from slotbase.events where type = 'media.uploaded' and data ->> 'mediaId' = ${id}`
  )[0].id
const rowsOf = async (id: string) =>
  (await club.db`select id from slotbase.media_outputs where media_id = ${id}`).length

test("the run of the handler lasts as long as the work, and uses up no retry", async () => {
  const id = await upload(photo)
  const owner = await handled()
  const event = await eventOf(id)
  expect(await runOf(event)).toBe("retrying")
  expect((await facts(id)).processing).toMatchObject({ state: "waiting", progress: 0 })
  await handled()
  await worked(owner)
  await handled()
  expect(await runOf(event)).toBe("success")
})

test("a failure is a dead letter that says what to do, and reprocessing it begins the work anew", async () => {
  const id = await upload(await aVideo(club.dataDir, { seconds: 0.2 }), "serve.mp4")
  const owner = await handled()
  const actor = processMediaActor({ ...club.api.app, ffmpeg: undefined }, { owner: () => owner })
  await actor.pass(never)
  await actor.idle()
  await handled()
  const event = await eventOf(id)
  const [letter] = await club.db<{ id: string; errors: { error: { message: string; code: string } }[] }[]>`
    select id, errors from slotbase.dead_letters where event_id = ${event}`
  expect(letter?.errors.at(-1)?.error).toMatchObject({
    code: "ffmpeg_missing",
    message: expect.stringMatching(/apt-get install ffmpeg.*Reprocess this dead letter/),
  })
  await club.db`select slotbase.reprocess(${letter?.id ?? ""})`
  const next = await handled()
  expect((await facts(id)).processing).toMatchObject({ state: "waiting", reasonCode: null })
  await worked(next)
  await handled()
  expect([(await facts(id)).processing.state, await runOf(event)]).toEqual(["done", "success"])
})

test("a file that is removed takes its forms with it, and its bytes", async () => {
  const id = await upload(photo)
  const files = (await club.files()).length
  await worked(await handled())
  expect(await rowsOf(id)).toBe(4)
  expect((await club.files()).length).toBe(files + 4)
  expect((await club.send(club.coach, "DELETE", `/media/${id}`)).status).toBe(204)
  expect(await rowsOf(id)).toBe(0)
  expect((await club.files()).length).toBe(files - 1)
})

test("a file that is removed while it is worked on leaves nothing, and is announced no more", async () => {
  const id = await upload(photo)
  const owner = await handled()
  const claim = await claimMedia(club.db, owner)
  expect(claim?.media_id).toBe(id)
  const event = await eventOf(id)
  expect((await club.send(club.coach, "DELETE", `/media/${id}`)).status).toBe(204)
  await handled()
  expect(await runOf(event)).toBe("skipped")
  const announced =
    await club.db`select 1 from slotbase.events where type = 'media.processed' and data ->> 'mediaId' = ${id}`
  expect(announced).toHaveLength(0)
})

test("a process that stops ends the program at once, and gives the work back unspent", async () => {
  const id = await upload(await aLongVideo(club.dataDir), "long.mp4")
  const actor = actorFor(await handled(), await aSlowFfmpeg(club.dataDir))
  await actor.pass(never)
  await eventually(async () => expect((await facts(id)).processing.step).toBe("transcoding"))
  const began = performance.now()
  await actor.drain?.()
  expect(performance.now() - began).toBeLessThan(2_000)
  const [row] = await club.db`select state, attempts, lease from slotbase.media_processing where media_id = ${id}`
  expect({ ...row }).toEqual({ state: "waiting", attempts: 0, lease: null })
  expect((await club.files()).filter((file) => file.includes("/receiving/"))).toEqual([])
  await club.send(club.coach, "DELETE", `/media/${id}`)
})

test("the work of a process that died is claimed by another one, under a new token, and given up after three", async () => {
  const id = await upload(photo)
  await handled()
  const leases: (number | undefined)[] = []
  for (let nth = 1; nth <= 4; nth++) {
    const owner = await processRow(club.db, true)
    // What crashes processes may be something else, and is over after a minute.
    if (nth > 2) {
      expect(await claimMedia(club.db, owner)).toBeUndefined()
      await aMinuteLater(id)
    }
    const claim = await claimMedia(club.db, owner)
    expect([claim?.media_id, claim?.attempts]).toEqual([id, nth])
    expect(await claimMedia(club.db, await processRow(club.db, true))).toBeUndefined()
    leases.push(claim?.lease)
    await endProcess(club.db, owner)
  }
  expect(new Set(leases).size).toBe(4)
  await aMinuteLater(id)
  await worked(await processRow(club.db, true))
  expect((await facts(id)).processing).toMatchObject({ state: "failed", reasonCode: "media_gave_up" })
})

test("a club with many files lets the next club's file go before its second", async () => {
  const mine = [await upload(photo), await upload(photo)]
  await handled()
  const owner = await processRow(club.db, true)
  expect((await claimMedia(club.db, owner))?.media_id).toBe(mine[0] ?? "")
  // The same file in another club, later than both.
  const other = newId()
  await club.db.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      insert into slotbase.media (id, facility_id, feedback_id, media_type, is_voice_note, file_name, content_type,
                                  file_size_bytes, stored_in, uploaded_by)
      select ${other}, f.id, feedback_id, media_type, is_voice_note, file_name, content_type, file_size_bytes, stored_in, uploaded_by
      from slotbase.media m, slotbase.facilities f where m.id = ${mine[1] ?? ""} and f.id <> m.facility_id limit 1`
    await tx`
      insert into slotbase.media_processing (media_id, facility_id, event_id, correlation_id)
      select id, facility_id, id, id from slotbase.media where id = ${other}`
  })
  expect((await claimMedia(club.db, owner))?.media_id).toBe(other)
  expect((await claimMedia(club.db, owner))?.media_id).toBe(mine[1] ?? "")
})

test("files and forms in a bucket are read there, and their links lead there", async () => {
  const s3 = startFakeS3()
  const elsewhere = await makeFeedbackClub({ s3: s3.config })
  try {
    await mirrorHandlers(elsewhere.db, [handler])
    await dispatchAll(elsewhere.db)
    const id = await upload(photo, "serve.jpg", elsewhere)
    await worked(await handled(elsewhere), findFfmpeg(undefined), elsewhere)
    const { forms } = await facts(id, elsewhere)
    expect(forms).toHaveLength(4)
    expect(s3.objects.size).toBe(5)
    for (const form of forms) {
      const answer = await fetch(form.url)
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, form.contentType])
      expect((await answer.bytes()).byteLength).toBe(form.fileSizeBytes)
    }
    expect((await elsewhere.send(elsewhere.coach, "DELETE", `/media/${id}`)).status).toBe(204)
    expect(s3.objects.size).toBe(0)
  } finally {
    await elsewhere.stop()
    await s3.stop()
  }
})

/** The last sign of life of the work on a file was a minute ago. */
const aMinuteLater = (id: string) =>
  club.db`update slotbase.media_processing set beat_at = beat_at - interval '1 minute' where media_id = ${id}`
