// Large files arrive in parts, by tus 1.0, from the client that browsers use. A cut upload goes on where it was cut,
// also after the server was killed. A whole one is a file, once.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { utimes } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import * as tus from "tus-js-client"
import { type CrashPoint, mediaPoints } from "#base/crash-points.ts"
import { cleanUploads } from "#domain/media/cleanup.ts"
import { type FeedbackClub, makeFeedbackClub } from "#test/harness/club/feedback-club.ts"
import { exe, mp4 } from "#test/harness/club/media-files.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let club: FeedbackClub
beforeAll(async () => {
  club = await makeFeedbackClub()
})
afterAll(() => club.stop())

const mib = 1024 * 1024
/** A video with so much behind it. */
const large = (bytes: number, fill = 7) => Buffer.concat([mp4(2), Buffer.alloc(bytes, fill)])
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")
const digestOf = (bytes: Uint8Array) => `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`

interface Sending {
  readonly address?: string
  readonly to?: string
  readonly options?: Partial<tus.UploadOptions>
}

/** Sends a file with tus-js-client; answers the upload's address and the requests that were made. */
async function send(bytes: Buffer, { address = club.address, to, options = {} }: Sending = {}) {
  const feedbackId = to ?? (await club.draft())
  const requests: string[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const upload: tus.Upload = new tus.Upload(bytes, {
    endpoint: `${address}${club.at}/feedback/${feedbackId}/uploads`,
    headers: { authorization: `Bearer ${club.coach.token}` },
    metadata: { filename: "training.mp4", filetype: "video/mp4" },
    retryDelays: [0, 0],
    onAfterResponse: (request, response) => void requests.push(`${request.getMethod()} ${response.getStatus()}`),
    onSuccess: () => resolve(),
    onError: reject,
    ...options,
  })
  upload.start()
  const error = await promise.then(
    () => undefined,
    (failure: tus.DetailedError) => failure.originalResponse?.getStatus() ?? failure.message,
  )
  return { url: upload.url ?? "", requests, feedbackId, error }
}

const ask = (method: string, url: string, headers: object = {}, body?: Uint8Array, by = club.coach) =>
  fetch(url.startsWith("http") ? url : `${club.address}${url}`, {
    method,
    headers: { authorization: `Bearer ${by.token}`, "tus-resumable": "1.0.0", ...headers },
    ...(body && { body: Buffer.from(body) }),
  })
const patch = (url: string, offset: number, body: Uint8Array, headers: object = {}) =>
  ask(
    "PATCH",
    url,
    { "upload-offset": String(offset), "content-type": "application/offset+octet-stream", ...headers },
    body,
  )
const begin = async (length: number, headers: object = {}, to?: string) => {
  const feedbackId = to ?? (await club.draft())
  return ask("POST", `${club.at}/feedback/${feedbackId}/uploads`, { "upload-length": String(length), ...headers })
}
const offsetAt = async (url: string) => (await ask("HEAD", url)).headers.get("upload-offset")
const mediaOf = async (feedbackId: string) => (await club.get(club.coach, `/feedback/${feedbackId}`)).body.media
const codeOf = async (answer: Response) => `${answer.status} ${((await answer.json()) as { code: string }).code}`
const partRows = async () => (await club.db`select 1 from slotbase.upload_parts`).length

async function contentOf(mediaId: string): Promise<Uint8Array> {
  const { url } = (await club.get(club.coach, `/media/${mediaId}`)).body
  return (await fetch(`${club.address}${url}`)).bytes()
}

test("a file that arrives in chunks of the client and parts of the server is the same file, once", async () => {
  const bytes = large(20 * mib)
  const { url, requests, feedbackId, error } = await send(bytes, { options: { chunkSize: 9 * mib } })
  expect([error, requests]).toEqual([undefined, ["POST 201", "PATCH 204", "PATCH 204", "PATCH 204"]])
  const [media, ...more] = await mediaOf(feedbackId)
  expect([media, more]).toMatchObject([
    { fileName: "training.mp4", fileSizeBytes: bytes.byteLength, durationSeconds: 2 },
    [],
  ])
  expect(sha256(await contentOf(media.id))).toBe(sha256(bytes))
  const head = await ask("HEAD", url)
  expect(Object.fromEntries(head.headers)).toMatchObject({
    "tus-resumable": "1.0.0",
    "upload-offset": String(bytes.byteLength),
    "upload-length": String(bytes.byteLength),
    "repr-digest": digestOf(bytes),
    "slotbase-media-id": media.id,
    "cache-control": "no-store",
  })
  expect(Date.parse(head.headers.get("upload-expires") ?? "")).toBeGreaterThan(Date.now())
  expect(await partRows()).toBe(0)
  const events =
    await club.db`select 1 from slotbase.events where type = 'media.uploaded' and data ->> 'mediaId' = ${media.id}`
  expect(events).toHaveLength(1)
  const stored = (await club.files()).filter((path) => !path.includes("/receiving/"))
  expect(stored).toEqual([`${club.dataDir}/uploads/${club.id}/${media.id}`])
})

test("an upload that was cut goes on after the last part", async () => {
  const bytes = large(30 * mib)
  const feedbackId = await club.draft()
  const url = (await begin(bytes.byteLength, {}, feedbackId)).headers.get("location") ?? ""
  const socket = connect(club.port, "127.0.0.1")
  const head = [
    `PATCH ${url} HTTP/1.1`,
    ...["Host: club.test", `Authorization: Bearer ${club.coach.token}`, "Tus-Resumable: 1.0.0", "Upload-Offset: 0"],
    `Content-Type: application/offset+octet-stream\r\nContent-Length: ${bytes.byteLength}\r\n\r\n`,
  ].join("\r\n")
  socket.write(Buffer.concat([Buffer.from(head), bytes.subarray(0, 18 * mib)]))
  const at = await eventually(async () => {
    const offset = Number(await offsetAt(url))
    expect(offset).toBeGreaterThanOrEqual(16 * mib)
    return offset
  })
  expect(at).toBeLessThanOrEqual(18 * mib)
  socket.destroy()
  await eventually(async () => expect((await club.files()).filter((path) => path.includes("/receiving/"))).toEqual([]))
  const options = { uploadUrl: `${club.address}${url}` }
  const { requests, error } = await send(bytes, { to: feedbackId, options })
  expect(error).toBeUndefined()
  // The cut request may store what it still has after the first HEAD. Then the client asks once more.
  expect([
    ["HEAD 200", "PATCH 204"],
    ["HEAD 200", "PATCH 409", "HEAD 200", "PATCH 204"],
  ]).toContainEqual(requests)
  const [media] = await mediaOf(feedbackId)
  expect(sha256(await contentOf(media.id))).toBe(sha256(bytes))
})

describe("the protocol", () => {
  test("a part with a wrong checksum counts as nothing, and with the right one as a whole", async () => {
    const bytes = large(1_000)
    const url = (await begin(bytes.byteLength)).headers.get("location") ?? ""
    const sum = (part: Uint8Array) => `sha256 ${createHash("sha256").update(part).digest("base64")}`
    const part = bytes.subarray(0, 500)
    expect(await codeOf(await patch(url, 0, part, { "upload-checksum": sum(bytes) }))).toBe("460 checksum_differs")
    expect(await offsetAt(url)).toBe("0")
    expect(await codeOf(await patch(url, 0, part, { "upload-checksum": "crc32 AAAA" }))).toBe("400 checksum_unknown")
    expect((await patch(url, 0, part, { "upload-checksum": sum(part) })).headers.get("upload-offset")).toBe("500")
    const last = bytes.subarray(500)
    expect((await patch(url, 500, last, { "upload-checksum": sum(last) })).status).toBe(204)
  })

  test("of the same bytes that are sent twice at once, one counts", async () => {
    const bytes = large(1_000)
    const feedbackId = await club.draft()
    const url = (await begin(bytes.byteLength, {}, feedbackId)).headers.get("location") ?? ""
    const first = await Promise.all([patch(url, 0, bytes.subarray(0, 600)), patch(url, 0, bytes.subarray(0, 600))])
    expect(first.map(({ status }) => status).sort()).toEqual([204, 409])
    const last = await Promise.all([patch(url, 600, bytes.subarray(600)), patch(url, 600, bytes.subarray(600))])
    expect(last.map(({ status }) => status).sort()).toEqual([204, 409])
    expect(await mediaOf(feedbackId)).toHaveLength(1)
    expect((await patch(url, bytes.byteLength, new Uint8Array(0))).status).toBe(204)
    expect(await mediaOf(feedbackId)).toHaveLength(1)
  })

  test("under one Idempotency-Key there is one upload; another length under it is refused", async () => {
    const feedbackId = await club.draft()
    const key = { "idempotency-key": crypto.randomUUID() }
    const [first, again] = [await begin(1_000, key, feedbackId), await begin(1_000, key, feedbackId)]
    expect([first.status, again.status, again.headers.get("idempotency-replayed")]).toEqual([201, 201, "true"])
    expect(again.headers.get("location")).toBe(first.headers.get("location"))
    expect(await codeOf(await begin(2_000, key, feedbackId))).toMatch(/^422 /)
  })

  test("what is against it is refused with its code", async () => {
    const url = (await begin(1_000)).headers.get("location") ?? ""
    const old = await ask("HEAD", url, { "tus-resumable": "0.2.2" })
    expect([old.status, old.headers.get("tus-version")]).toEqual([412, "1.0.0"])
    expect(await codeOf(await patch(url, 5, Buffer.alloc(5)))).toBe("409 offset_differs")
    expect(await codeOf(await patch(url, 0, Buffer.alloc(5), { "content-type": "text/plain" }))).toBe(
      "415 unsupported_media_type",
    )
    expect(await codeOf(await patch(url, 0, Buffer.alloc(1_001)))).toBe("413 upload_too_long")
    expect(await codeOf(await begin(0))).toBe("413 file_too_large")
    expect(await codeOf(await begin(600 * mib))).toBe("413 file_too_large")
    expect(await codeOf(await begin(5, { "upload-length": "many" }))).toBe("422 invalid_input")
    expect(await codeOf(await begin(5, { "upload-metadata": "filename ä" }))).toBe("422 invalid_input")
    const nul = Buffer.from("a\0b.mp4").toString("base64")
    expect((await begin(5, { "upload-metadata": `filename ${nul},empty` })).status).toBe(201)
    expect(await codeOf(await begin(5, { "upload-defer-length": "1" }))).toBe("400 upload_length_missing")
  })

  test("OPTIONS says to anybody what is spoken, without a version in the request", async () => {
    const feedbackId = await club.draft()
    const url = (await begin(1_000)).headers.get("location") ?? ""
    for (const address of [`${club.at}/feedback/${feedbackId}/uploads`, url]) {
      const answer = await fetch(`${club.address}${address}`, { method: "OPTIONS" })
      expect([answer.status, Object.fromEntries(answer.headers)]).toMatchObject([
        204,
        {
          "tus-resumable": "1.0.0",
          "tus-version": "1.0.0",
          "tus-extension": "creation,expiration,checksum,termination",
          "tus-checksum-algorithm": "sha1,sha256,md5",
          "tus-max-size": String(club.api.app.config.maxUploadBytes),
        },
      ])
    }
  })

  test("an upload is there for the person who began it, and for nobody else", async () => {
    const url = (await begin(1_000)).headers.get("location") ?? ""
    for (const other of [club.admin, club.otherCoach, club.student, club.foreignAdmin])
      for (const method of ["HEAD", "DELETE"]) expect((await ask(method, url, {}, undefined, other)).status).toBe(404)
    expect((await ask("DELETE", url)).status).toBe(204)
    expect((await ask("HEAD", url)).status).toBe(404)
  })
})

test("parallel parts are refused at once, not after dozens of requests", async () => {
  const { error, requests } = await send(large(2 * mib), { options: { parallelUploads: 2, retryDelays: [0, 0, 0, 0] } })
  expect(error).toBe(400)
  expect(requests.length).toBeLessThanOrEqual(2)
  expect(new Set(requests)).toEqual(new Set(["POST 400"]))
})

test("another file under the address of a whole upload is not taken for it, when the client says its hash", async () => {
  const [one, other] = [large(1_000, 1), large(1_000, 2)]
  const headers = (bytes: Buffer) => ({ authorization: `Bearer ${club.coach.token}`, "repr-digest": digestOf(bytes) })
  const first = await send(one, { options: { headers: headers(one) } })
  // Without the hash a client cannot know: one HEAD, and a success.
  const unsaid = await send(other, { to: first.feedbackId, options: { uploadUrl: first.url } })
  expect([unsaid.error, unsaid.requests]).toEqual([undefined, ["HEAD 200"]])
  const said = await send(other, { to: first.feedbackId, options: { uploadUrl: first.url, headers: headers(other) } })
  expect([said.error, said.requests]).toEqual([undefined, ["HEAD 404", "POST 201", "PATCH 204"]])
  const again = await send(one, { to: first.feedbackId, options: { uploadUrl: first.url, headers: headers(one) } })
  expect([again.error, again.requests]).toEqual([undefined, ["HEAD 200"]])
  expect(await mediaOf(first.feedbackId)).toHaveLength(2)
})

test("a whole file with another hash than was announced is refused, and is no file", async () => {
  const bytes = large(1_000)
  const metadata = { filename: "a.mp4", sha256: sha256(Buffer.from("another")) }
  const { error, feedbackId } = await send(bytes, { options: { metadata } })
  expect(error).toBe(422)
  expect(await mediaOf(feedbackId)).toEqual([])
})

test("a file of no kind that is taken is refused by its first bytes, and its upload ends", async () => {
  const bytes = Buffer.concat([exe(), Buffer.alloc(20 * mib)])
  const { url, error, requests } = await send(bytes, { options: { chunkSize: mib } })
  expect([error, requests]).toEqual([422, ["POST 201", "PATCH 422"]])
  expect((await ask("HEAD", url)).status).toBe(404)
  expect(await partRows()).toBe(0)
})

test("an upload expires a day after its last part, and its bytes are removed", async () => {
  const url = (await begin(1_000)).headers.get("location") ?? ""
  await patch(url, 0, large(1_000).subarray(0, 500))
  expect(await partRows()).toBe(1)
  await club.db`update slotbase.uploads set expires_at = slotbase.now()`
  expect((await ask("HEAD", url)).status).toBe(404)
  const then = new Date(Date.now() - 48 * 60 * 60 * 1000)
  for (const path of await club.files()) await utimes(path, then, then)
  const stored = (await club.files()).length
  const tools = { db: club.db, storage: club.api.app.storage, config: { dataDir: club.dataDir } }
  expect(await cleanUploads(tools, new AbortController().signal)).toBe(1)
  expect([await partRows(), (await club.files()).length]).toEqual([0, stored - 1])
  expect(await club.db`select 1 from slotbase.uploads`).toHaveLength(0)
})

describe("the server is killed, and", () => {
  const program = join(import.meta.dir, "../../harness/pipeline/run-uploads.ts")
  async function start(...more: readonly string[]) {
    const child = Bun.spawn([process.execPath, program, club.api.database.url, club.dataDir, ...more], {
      stdout: "pipe",
      stderr: "inherit",
    })
    const reader = child.stdout.getReader()
    return { child, address: new TextDecoder().decode((await reader.read()).value).trim() }
  }

  for (const point of mediaPoints.filter((each) => each.startsWith("upload-"))) {
    test(`after ${point} the upload goes on with another one, and is one file`, async () => {
      const bytes = large(20 * mib)
      const dying = await start(point satisfies CrashPoint)
      const cut = await send(bytes, { address: dying.address, options: { retryDelays: [] } })
      expect(await dying.child.exited).toBe(137)
      expect(cut.error).toBeDefined()
      const url = `${club.address}${new URL(cut.url).pathname}`
      const { error } = await send(bytes, { to: cut.feedbackId, options: { uploadUrl: url } })
      expect(error).toBeUndefined()
      const media = await mediaOf(cut.feedbackId)
      expect(media).toHaveLength(1)
      expect(sha256(await contentOf(media[0].id))).toBe(sha256(bytes))
    })
  }
})
