// Where uploads are stored. The disk and a bucket keep whole files under ids and nothing else, and the API serves from
// both. The job upload-cleanup removes unreachable files.

import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test"
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { uploadCleanup } from "#actors/jobs/upload-cleanup.ts"
import { parseConfig } from "#base/config.ts"
import { newId } from "#base/ids.ts"
import { receivingFolder } from "#base/storage/disk.ts"
import { storageIdsOf, storageKeyOf } from "#base/storage/keys.ts"
import { storagesOf } from "#base/storage/open.ts"
import { aForm, type FeedbackClub, makeFeedbackClub } from "#test/harness/club/feedback-club.ts"
import { jpeg, wav } from "#test/harness/club/media-files.ts"
import { type FakeS3, startFakeS3 } from "#test/harness/outside/fake-s3.ts"

let s3: FakeS3
let club: FeedbackClub
let folder: string
const label = { contentType: "image/jpeg", disposition: 'inline; filename="a.jpg"' }
const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000)

beforeAll(async () => {
  s3 = startFakeS3()
  club = await makeFeedbackClub({ s3: s3.config })
  folder = await mkdtemp(join(tmpdir(), "slotbase-storage-"))
})
afterAll(async () => {
  await club.stop()
  await s3.stop()
  await rm(folder, { recursive: true, force: true })
})

const aLocalFile = async (bytes: Uint8Array): Promise<string> => {
  const path = join(folder, newId())
  await writeFile(path, bytes)
  return path
}
const keysOf = async (storage: { list: () => AsyncIterable<{ key: string }> }) => {
  const keys: string[] = []
  for await (const { key } of storage.list()) keys.push(key)
  return keys.sort()
}

for (const name of ["disk", "s3"] as const) {
  test(`${name}: a file is kept whole under its key, read, listed and removed`, async () => {
    const config = {
      ...parseConfig({ SLOTBASE_DATA_DIR: join(folder, name) }),
      ...(name === "s3" && { s3: s3.config }),
    }
    const { current: storage } = storagesOf(config)
    expect(storage.name).toBe(name)
    const key = storageKeyOf(newId(), newId())
    const path = await aLocalFile(jpeg())
    await storage.keep(key, path, label)
    expect(await Bun.file(path).exists()).toBe(false)
    const content = await storage.open(key)
    expect(Buffer.from((await content?.arrayBuffer()) ?? new ArrayBuffer()).equals(Buffer.from(jpeg()))).toBe(true)
    expect(await keysOf(storage)).toContain(key)
    await storage.remove(key)
    await storage.remove(key)
    expect(await storage.open(key)).toBeUndefined()
    expect(await keysOf(storage)).not.toContain(key)
  })
}

test("only ids make a key, and only a key makes a path", async () => {
  const [a, b] = [newId(), newId()]
  expect(storageIdsOf(storageKeyOf(a, b))).toEqual({ facilityId: a, fileId: b })
  for (const key of ["", a, `${a}/../${b}`, `../${a}/${b}`, `${a}/${b}/`, `${a}\\${b}`, `${a}/${b}\n`])
    expect([key, storageIdsOf(key)]).toEqual([key, undefined])
  const disk = storagesOf(parseConfig({ SLOTBASE_DATA_DIR: join(folder, "tricks") })).current
  expect(disk.open("../../etc/passwd")).rejects.toThrow("not a storage key")
})

describe("a bucket", () => {
  test("serves clients directly: the metadata has a signed address, with the type and the name of the file", async () => {
    const feedbackId = await club.draft()
    const { body } = await club.send(
      club.coach,
      "POST",
      `/feedback/${feedbackId}/media`,
      aForm(wav(1), { name: "note.wav" }),
    )
    expect(s3.objects.get(storageKeyOf(club.id, body.id))?.headers).toEqual({
      "content-type": "audio/wav",
      "content-disposition": `inline; filename="note.wav"; filename*=UTF-8''note.wav`,
    })
    expect(await club.files()).toEqual([])
    const { url } = (await club.get(club.coach, `/media/${body.id}`)).body
    expect(url).toStartWith(`${s3.config.endpoint}/uploads/${club.id}/${body.id}?`)
    const answer = await fetch(url)
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "audio/wav"])
    expect((await answer.arrayBuffer()).byteLength).toBe(wav(1).byteLength)
    expect((await fetch(url.replace(/X-Amz-Expires=\d+/, "X-Amz-Expires=999999"))).status).toBe(403)
    expect((await fetch(url.replace(body.id, newId()))).status).toBe(403)
    await club.send(club.coach, "DELETE", `/media/${body.id}`)
    expect(s3.objects.has(storageKeyOf(club.id, body.id))).toBe(false)
  })

  test("gets large files in parts", async () => {
    const { current } = storagesOf(club.api.app.config)
    const bytes = Buffer.alloc(12 * 1024 * 1024, "slotbase ")
    const key = storageKeyOf(club.id, newId())
    await current.keep(key, await aLocalFile(bytes), label)
    expect(s3.objects.get(key)?.bytes.equals(bytes)).toBe(true)
    expect(s3.requests.filter((each) => each.includes(`${key}?partNumber=`)).length).toBeGreaterThan(1)
    await current.remove(key)
  })

  test("is not believed when a page answers in its place: the only copy of the file stays", async () => {
    const { current } = storagesOf(club.api.app.config)
    const key = storageKeyOf(club.id, newId())
    const path = await aLocalFile(jpeg())
    const said = spyOn(console, "error").mockImplementation(() => {})
    s3.page = "<html>Sign in to this network</html>"
    try {
      const kept = current.keep(key, path, label)
      expect(await kept.catch((error: { code?: string }) => error.code)).toBe("upload_storage_unavailable")
      expect(String(said.mock.calls)).toContain(`of the ${jpeg().byteLength} bytes of a file`)
    } finally {
      s3.page = undefined
      said.mockRestore()
    }
    expect([await Bun.file(path).exists(), s3.objects.has(key)]).toEqual([true, false])
  })

  test("makes the upload fail when it refuses, with a logged error, and nothing is kept", async () => {
    const feedbackId = await club.draft()
    const said = spyOn(console, "error").mockImplementation(() => {})
    s3.refuse(true)
    try {
      const answer = await club.send(club.coach, "POST", `/feedback/${feedbackId}/media`, aForm(jpeg()))
      expect([answer.status, answer.body.code, answer.headers.get("retry-after")]).toEqual([
        ...[503, "upload_storage_unavailable", "10"],
      ])
      expect(String(said.mock.calls)).toContain("S3Error")
    } finally {
      s3.refuse(false)
      said.mockRestore()
    }
    expect([await club.files(), s3.objects.size]).toEqual([[], 0])
    expect(await club.db`select 1 from slotbase.media`).toHaveLength(0)
  })
})

test("upload-cleanup removes old files without a row, and unfinished uploads, and nothing else", async () => {
  const feedbackId = await club.draft()
  const { body } = await club.send(club.coach, "POST", `/feedback/${feedbackId}/media`, aForm(jpeg()))
  const { all } = storagesOf(club.api.app.config)
  const keys = {
    kept: storageKeyOf(club.id, body.id),
    old: storageKeyOf(club.id, newId()),
    young: storageKeyOf(club.id, newId()),
    foreign: storageKeyOf(newId(), newId()),
  }
  for (const storage of all) {
    for (const key of [keys.old, keys.young, keys.foreign]) await storage.keep(key, await aLocalFile(jpeg()), label)
  }
  for (const key of [keys.kept, keys.old, keys.foreign]) {
    const object = s3.objects.get(key)
    if (object) object.modifiedAt = twoDaysAgo
    if (key !== keys.kept) await utimes(join(club.dataDir, "uploads", key), twoDaysAgo, twoDaysAgo)
  }
  const receiving = receivingFolder(club.dataDir)
  await mkdir(receiving, { recursive: true })
  for (const name of ["old", "young"]) await writeFile(join(receiving, name), "x")
  await utimes(join(receiving, "old"), twoDaysAgo, twoDaysAgo)

  const pass = () => uploadCleanup(club.api.app).pass(new AbortController().signal)
  expect(await pass()).toEqual({ more: false, did: { files: 3 } })
  expect(await pass()).toEqual({ more: false, did: { files: 0 } })
  const [bucket, disk] = all
  expect(await keysOf(bucket as never)).toEqual([keys.kept, keys.young, keys.foreign].sort())
  expect(await keysOf(disk as never)).toEqual([keys.young, keys.foreign].sort())
  expect(await readdir(receiving)).toEqual(["young"])
})
