// Files of feedback over HTTP: accepted and refused files, refusals that leave nothing behind, and links that expire.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { newId } from "#base/ids.ts"
import { aForm, type FeedbackClub, makeFeedbackClub, outcome, recordedBy } from "#test/harness/club/feedback-club.ts"
import { exe, jpeg, mp4, png, wav } from "#test/harness/club/media-files.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let club: FeedbackClub
const maxUploadBytes = 1024 * 1024

beforeAll(async () => {
  club = await makeFeedbackClub({ maxUploadBytes })
})
afterAll(() => club.stop())

const add = (id: string, form: FormData, by = club.coach, headers: object = {}) =>
  club.send(by, "POST", `/feedback/${id}/media`, form, headers)
const rows = async () => (await club.db`select 1 from slotbase.media`).length

/** Returns the answer to a refused upload, and checks that it left no row, no file and no event. */
async function refused(
  upload: () => Promise<{ status: number; body: { code?: string } | null | undefined }>,
): Promise<string> {
  const state = async () => [
    await rows(),
    await club.files(),
    (await club.db`select 1 from slotbase.events where type in ('media.uploaded', 'feedback.created')`).length,
  ]
  const before = await state()
  const { status, body } = await upload()
  // The runtime answers some too large bodies by itself, before the reader of the file has cleaned up.
  await eventually(async () => expect(await state()).toEqual(before))
  return `${status} ${body?.code ?? "by the runtime, without a body"}`
}

describe("adding", () => {
  test("a video is recognized by its bytes: 201, media.uploaded with size and duration, one file under its id", async () => {
    const id = await club.draft()
    const bytes = mp4(12.25)
    const added = await add(id, aForm(bytes, { name: "swing.mp4", type: "text/html" }))
    expect(added.status).toBe(201)
    const { id: mediaId } = added.body
    expect(added.body).toEqual({
      id: mediaId,
      feedbackId: id,
      mediaType: "video",
      isVoiceNote: false,
      fileName: "swing.mp4",
      contentType: "video/mp4",
      fileSizeBytes: bytes.byteLength,
      durationSeconds: 12.25,
      uploadedBy: club.coach.id,
      createdAt: expect.any(String),
    })
    expect(await recordedBy(club, added)).toEqual([
      {
        type: "media.uploaded",
        facility_id: club.id,
        user_id: club.coach.id,
        data: {
          mediaId,
          feedbackId: id,
          mediaType: "video",
          fileName: "swing.mp4",
          fileSizeBytes: bytes.byteLength,
          durationSeconds: 12.25,
          uploadedBy: club.coach.id,
        },
      },
    ])
    expect(await club.files()).toContain(`${club.dataDir}/uploads/${club.id}/${mediaId}`)
    expect((await club.get(club.coach, `/feedback/${id}`)).body.media).toEqual([added.body])
  })

  test("a voice note is audio; a recording in a container of videos is audio too", async () => {
    const id = await club.draft()
    const spoken = await add(id, aForm(mp4(3, ["soun"]), { part: "voiceNote", name: "memo", type: "audio/mp4" }))
    expect(spoken.body).toMatchObject({
      mediaType: "audio",
      isVoiceNote: true,
      contentType: "audio/mp4",
      fileName: "memo.m4a",
      durationSeconds: 3,
    })
    expect(await refused(() => add(id, aForm(mp4(3), { part: "voiceNote" })))).toBe("422 voice_note_not_audio")
    expect(await refused(() => add(id, aForm(jpeg(), { part: "voiceNote" })))).toBe("422 voice_note_not_audio")
  })

  test("a file that is no photo, video or audio is refused under any name", async () => {
    const id = await club.draft()
    for (const [bytes, name] of [
      [exe(), "photo.jpg"],
      [Buffer.from("<html><script>alert(1)</script>"), "photo.jpg"],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), "drawing.png"],
      [Buffer.from("%PDF-1.7\n"), "scan.jpg"],
      [Buffer.alloc(0), "empty.jpg"],
    ] as const) {
      expect(await refused(() => add(id, aForm(bytes, { name })))).toBe("422 media_type_not_allowed")
    }
  })

  test("a name is a label: no path, no trick, and an extension of its kind", async () => {
    const id = await club.draft()
    for (const [given, label] of [
      ["../../../etc/passwd", "passwd.jpg"],
      ["C:\\Users\\mia\\serve.jpg", "serve.jpg"],
      ["..", "photo.jpg"],
      ["photo\u202Egpj.exe", "photogpj.exe.jpg"],
      ["größe – 1:2.jpeg", "größe – 1_2.jpeg"],
      [`${"x".repeat(300)}.jpg`, `${"x".repeat(120)}.jpg`],
    ] as const) {
      const { status, body } = await add(id, aForm(jpeg(), { name: given }))
      expect([given, status, body.fileName]).toEqual([given, 201, label])
    }
    const stray = (await club.files()).filter((path) => !/\/uploads\/[0-9a-f-]{36}\/[0-9a-f-]{36}$/.test(path))
    expect(stray).toEqual([])
  })

  test("a file beyond its limit is a 413 and leaves nothing, also without a Content-Length", async () => {
    const id = await club.draft()
    const large = Buffer.concat([mp4(1), Buffer.alloc(maxUploadBytes)])
    expect(await refused(() => add(id, aForm(large)))).toBe("413 file_too_large")
    const whole = Buffer.concat([mp4(1), Buffer.alloc(3 * maxUploadBytes)])
    expect(await refused(() => add(id, aForm(whole)))).toBe("413 body_too_large")
    const { headers, body } = multipart(whole)
    const endless = new ReadableStream({
      start(controller) {
        for (let at = 0; at < body.byteLength; at += 65_536) controller.enqueue(body.subarray(at, at + 65_536))
        controller.close()
      },
    })
    const unsaid = () => overSocket(id, endless, headers)
    expect(await refused(unsaid)).toMatch(/^413 (?:(?:file|body)_too_large|by the runtime, without a body)$/)
  })

  test("a malformed form names its faults, and leaves nothing", async () => {
    const id = await club.draft()
    const twice = aForm(jpeg())
    twice.append("file", new File([Buffer.from(jpeg())], "b.jpg"))
    expect(await refused(() => add(id, twice))).toBe("422 malformed_multipart")
    expect(await refused(() => add(id, aForm(jpeg(), { part: "avatar" })))).toBe("422 invalid_input")
    const withField = aForm(jpeg())
    withField.append("text", "x")
    expect(await refused(() => add(id, withField))).toBe("422 invalid_input")
    expect(await refused(() => add(id, new FormData()))).toBe("422 invalid_input")
    expect(await refused(() => club.send(club.coach, "POST", `/feedback/${id}/media`, { file: "x" }))).toBe(
      "415 unsupported_media_type",
    )
    const { headers, body } = multipart(jpeg())
    const cut = () => overSocket(id, Buffer.from(body.subarray(0, body.byteLength - 30)), headers)
    expect(await refused(cut)).toBe("422 malformed_multipart")
  })

  test("refused feedback leaves no files", async () => {
    const form = aForm(jpeg())
    for (const [name, value] of Object.entries({ sessionId: club.sessionId, studentId: club.parent.id }))
      form.append(name, value)
    expect(await refused(() => club.send(club.coach, "POST", "/feedback", form))).toBe("422 student_not_in_session")
    const unread = aForm(jpeg())
    unread.append("sessionId", "x")
    expect(await refused(() => club.send(club.coach, "POST", "/feedback", unread))).toBe("422 invalid_input")
  })

  test("others may not add: staff get a 403, another coach and the student a 404", async () => {
    const id = await club.draft()
    const by = (who: typeof club.coach) => refused(() => add(id, aForm(jpeg()), who))
    expect(await by(club.staff)).toBe("403 not_allowed")
    expect(await by(club.otherCoach)).toBe("404 not_found")
    expect(await by(club.student)).toBe("404 not_found")
    expect(await by(club.foreignAdmin)).toBe("404 not_found")
    expect((await add(id, aForm(png()), club.admin)).body).toMatchObject({ uploadedBy: club.admin.id })
  })

  test("under one Idempotency-Key there is one file; another file under it is refused", async () => {
    const id = await club.draft()
    const headers = { "idempotency-key": newId() }
    const first = await add(id, aForm(jpeg()), club.coach, headers)
    const files = await club.files()
    const again = await add(id, aForm(jpeg()), club.coach, headers)
    expect([again.status, again.body, again.headers.get("idempotency-replayed")]).toEqual([201, first.body, "true"])
    expect(await club.files()).toEqual(files)
    expect(await refused(() => add(id, aForm(png(), { name: "b.png" }), club.coach, headers))).toMatch(/^422 /)
  })

  test("twenty files are the most, also when the last two come together", async () => {
    const id = await club.draft()
    for (let n = 0; n < 19; n++) expect((await add(id, aForm(jpeg()))).status).toBe(201)
    const files = (await club.files()).length
    const last = await Promise.all([add(id, aForm(jpeg())), add(id, aForm(jpeg()))])
    expect(last.map(outcome).sort()).toEqual(["201", "422 too_many_files"])
    expect((await club.files()).length).toBe(files + 1)
  })

  test("published while a photo is being added: it is in the event, or it is refused and removed", async () => {
    for (let round = 0; round < 4; round++) {
      const id = await club.draft()
      const files = (await club.files()).length
      const [added, published] = await Promise.all([
        add(id, aForm(jpeg())),
        club.post(club.coach, `/feedback/${id}/publish`),
      ])
      const [event] = await recordedBy(club, published)
      const isIn = added.status === 201
      expect([published.status, isIn ? "" : outcome(added)]).toEqual([200, isIn ? "" : "409 feedback_published"])
      expect(event?.data).toMatchObject({ hasPhotos: isIn })
      expect((await club.files()).length - files).toBe(isIn ? 1 : 0)
    }
  })

  test("an aborted upload leaves no row and no file", async () => {
    const id = await club.draft()
    const before = { rows: await rows(), files: await club.files() }
    const { headers, body } = multipart(Buffer.concat([mp4(1), Buffer.alloc(500_000)]))
    const socket = connect({ host: "127.0.0.1", port: club.port })
    const lines = Object.entries({
      ...headers,
      host: "slotbase.test",
      authorization: `Bearer ${club.coach.token}`,
      "content-length": String(body.byteLength),
    }).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`POST ${club.at}/feedback/${id}/media HTTP/1.1\r\n${lines.join("")}\r\n`)
    socket.write(body.subarray(0, 300_000))
    await eventually(async () => expect((await club.files()).length).toBeGreaterThan(before.files.length))
    socket.destroy()
    await eventually(async () => expect({ rows: await rows(), files: await club.files() }).toEqual(before))
  })
})

describe("the content", () => {
  const anUpload = async (bytes: Uint8Array = wav(2), publishIt = true) => {
    const id = await club.draft()
    const { body } = await add(id, aForm(bytes, { name: "größe.wav" }))
    if (publishIt) await club.post(club.coach, `/feedback/${id}/publish`)
    return body.id as string
  }
  const linkOf = async (mediaId: string, by = club.student): Promise<string> =>
    (await club.get(by, `/media/${mediaId}`)).body.url
  const read = (url: string, headers: Record<string, string> = {}) => fetch(`${club.address}${url}`, { headers })

  test("is read at a link, without credentials, under its own type and no other", async () => {
    const bytes = wav(2)
    const mediaId = await anUpload(bytes)
    const { body } = await club.get(club.parent, `/media/${mediaId}`)
    expect(body).toMatchObject({ id: mediaId, mediaType: "audio", durationSeconds: 2, fileSizeBytes: bytes.byteLength })
    expect(Date.parse(body.urlExpiresAt) - Date.now()).toBeWithin(3_500_000, 3_601_000)
    const answer = await read(body.url)
    expect(answer.status).toBe(200)
    expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(bytes))).toBe(true)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "audio/wav",
      "content-length": String(bytes.byteLength),
      "content-disposition": `inline; filename="gr__e.wav"; filename*=UTF-8''gr%C3%B6%C3%9Fe.wav`,
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "accept-ranges": "bytes",
      etag: `"${mediaId}"`,
    })
    expect(answer.headers.get("cache-control")).toMatch(/^private, max-age=3[56]\d\d$/)
  })

  test("is read in ranges, as media players request them", async () => {
    const bytes = Buffer.from(wav(2))
    const mediaId = await anUpload(bytes)
    const url = await linkOf(mediaId)
    const part = async (range: string, more: Record<string, string> = {}) => {
      const answer = await read(url, { range, ...more })
      const content = Buffer.from(await answer.arrayBuffer())
      return { status: answer.status, range: answer.headers.get("content-range"), content }
    }
    const size = bytes.byteLength
    expect(await part("bytes=0-9")).toEqual({ status: 206, range: `bytes 0-9/${size}`, content: bytes.subarray(0, 10) })
    expect(await part("bytes=16000-")).toEqual({
      status: 206,
      range: `bytes 16000-${size - 1}/${size}`,
      content: bytes.subarray(16_000),
    })
    expect(await part("bytes=-5")).toEqual({
      status: 206,
      range: `bytes ${size - 5}-${size - 1}/${size}`,
      content: bytes.subarray(-5),
    })
    expect(await part("bytes=99999999-")).toEqual({ status: 416, range: `bytes */${size}`, content: Buffer.alloc(0) })
    expect((await part("bytes=0-1,4-5")).status).toBe(200)
    expect((await part("bytes=0-9", { "if-range": '"another"' })).status).toBe(200)
    expect((await part("bytes=0-9", { "if-range": `"${mediaId}"` })).status).toBe(206)
    expect((await read(url, { "if-none-match": `"${mediaId}"` })).status).toBe(304)
  })

  test("a forged, changed, reused or expired link opens nothing", async () => {
    const mediaId = await anUpload()
    const url = await linkOf(mediaId)
    const expires = Number(new URL(url, club.address).searchParams.get("expires"))
    const another = await anUpload()
    const verdict = async (path: string) => (await read(path)).status
    expect(await verdict(url)).toBe(200)
    expect(await verdict(url.replace(`expires=${expires}`, `expires=${expires + 1}`))).toBe(403)
    expect(await verdict(url.replace(mediaId, another))).toBe(403)
    expect(await verdict(url.replace(/signature=.{5}/, "signature=AAAAA"))).toBe(403)
    expect(await verdict(url.replace(/signature=.*/, "signature="))).toBe(403)
    expect(await verdict(url.replace(/&signature=.*/, ""))).toBe(422)
    expect(await verdict(`/v1/media/x/content?expires=1&signature=a`)).toBe(404)
    await club.db`select slotbase.move_clock('61 minutes')`
    try {
      expect(await verdict(url)).toBe(403)
    } finally {
      await club.db`update slotbase.clock set shift = '0'`
    }
  })

  test("links are given only to people with access to the feedback", async () => {
    const hidden = await anUpload(wav(1), false)
    const shown = await anUpload()
    const get = async (by: typeof club.coach, id: string) => outcome(await club.get(by, `/media/${id}`))
    for (const by of [club.student, club.parent, club.otherCoach, club.payer])
      expect(await get(by, hidden)).toBe("404 not_found")
    for (const by of [club.coach, club.staff, club.admin]) expect(await get(by, hidden)).toBe("200")
    for (const by of [club.student, club.parent]) expect(await get(by, shown)).toBe("200")
    for (const by of [club.payer, club.friend, club.otherCoach, club.foreignAdmin])
      expect(await get(by, shown)).toBe("404 not_found")
    expect(await get(club.coach, newId())).toBe("404 not_found")
  })

  test("the coach removes a file with its bytes from a draft, not from published feedback", async () => {
    const mediaId = await anUpload(wav(1), false)
    const url = await linkOf(mediaId, club.coach)
    const remove = (by: typeof club.coach, id = mediaId) => club.send(by, "DELETE", `/media/${id}`)
    expect(outcome(await remove(club.staff))).toBe("403 not_allowed")
    expect(outcome(await remove(club.otherCoach))).toBe("404 not_found")
    const files = await club.files()
    const [removed, twice] = await Promise.all([remove(club.coach), remove(club.coach)])
    expect([outcome(removed), outcome(twice)].sort()).toEqual(["204", "404 not_found"])
    const done = removed.status === 204 ? removed : twice
    expect(await recordedBy(club, done)).toMatchObject([
      { type: "media.removed", data: { mediaId, removedBy: club.coach.id } },
    ])
    expect((await club.files()).length).toBe(files.length - 1)
    expect((await read(url)).status).toBe(403)
    expect(outcome(await remove(club.coach, await anUpload()))).toBe("409 feedback_published")
  })
})

/** A form with one file as bytes. */
function multipart(file: Uint8Array) {
  const boundary = "slotbase-test-boundary"
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n`
  return {
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}

async function overSocket(id: string, body: Buffer<ArrayBuffer> | ReadableStream, headers: Record<string, string>) {
  const answer = await fetch(`${club.address}${club.at}/feedback/${id}/media`, {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${club.coach.token}` },
    body,
  })
  return { status: answer.status, body: (await answer.json()) as { code?: string } }
}
