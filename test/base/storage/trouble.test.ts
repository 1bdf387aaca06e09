// A disk that cannot take an upload: a 503 with its cause, no part of a file, no row, and the next upload works.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { diskTroubleOf } from "#base/storage/trouble.ts"
import { aForm, type FeedbackClub, makeFeedbackClub } from "#test/harness/club/feedback-club.ts"
import { mp4 } from "#test/harness/club/media-files.ts"
import { type SmallVolume, smallVolume } from "#test/harness/setup/small-volume.ts"

const volume: SmallVolume | undefined = await smallVolume(4)
let club: FeedbackClub
const log = spyOn(console, "error").mockImplementation(() => {})

beforeAll(async () => {
  club = await makeFeedbackClub({ ...(volume && { dataDir: volume.path }) })
})
afterAll(async () => {
  log.mockRestore()
  await club.stop().catch(() => {})
  await volume?.remove()
})

test("each failure of a file system has its cause, and other failures have none", () => {
  const causeOf = (code: string) => diskTroubleOf(Object.assign(new Error(code), { code, syscall: "write" }))
  expect(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "ENOTDIR", "ENOENT", "EPIPE"].map(causeOf)).toEqual([
    "upload_storage_full",
    "upload_storage_full",
    "upload_storage_read_only",
    "upload_storage_read_only",
    "upload_storage_read_only",
    "upload_storage_failed",
    "upload_storage_failed",
    undefined,
    undefined,
  ])
  expect(diskTroubleOf(Object.assign(new Error(), { code: "ENOSPC" }))).toBeUndefined()
  expect(diskTroubleOf("text")).toBeUndefined()
})

const means = volume ? "" : " (not tried: this user may not mount a volume)"

test(`an upload to a full disk is a 503 and leaves no part of a file; with room the same upload works${means}`, async () => {
  if (volume === undefined) return
  const id = await club.draft()
  const upload = () => club.send(club.coach, "POST", `/feedback/${id}/media`, aForm(mp4(2), { name: "swing.mp4" }))
  expect((await upload()).status).toBe(201)
  const before = await club.files()
  volume.fill()
  const refused = await upload()
  expect(refused.status).toBe(503)
  expect(refused.headers.get("retry-after")).toBe("10")
  expect(refused.body).toEqual({
    type: "urn:slotbase:problem:upload_storage_full",
    title: "Unavailable",
    status: 503,
    detail: "The disk for uploads is full. Nothing of the request was kept; ask again in a moment.",
    code: "upload_storage_full",
  })
  expect(await club.files()).toEqual(before)
  await volume.makeRoom()
  expect((await upload()).status).toBe(201)
  expect(await club.files()).toHaveLength(before.length + 1)
})

test("an upload whose folder cannot be made is a 503, and leaves nothing", async () => {
  const id = await club.draft()
  const uploads = join(club.dataDir, "uploads")
  await rm(uploads, { recursive: true, force: true })
  await mkdir(club.dataDir, { recursive: true })
  await writeFile(uploads, "a file in the place of the folder")
  const { status } = await club.send(club.coach, "POST", `/feedback/${id}/media`, aForm(mp4(2)))
  expect(status).toBe(503)
  await rm(uploads)
  expect(await readdir(club.dataDir)).toEqual([])
  expect((await club.send(club.coach, "POST", `/feedback/${id}/media`, aForm(mp4(2)))).status).toBe(201)
})
