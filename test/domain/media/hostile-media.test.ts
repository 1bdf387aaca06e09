// Files that are broken, claim too much or pretend to be something else. Each is refused with a reason, and nothing is
// read but the file itself. Nothing keeps running. The inputs are harmless.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { runForeign } from "#base/bounded/foreign-program.ts"
import { newId } from "#base/ids.ts"
import { type Ffmpeg, findFfmpeg, runFfmpeg } from "#domain/media/processing/ffmpeg.ts"
import { ladderOf } from "#domain/media/processing/forms.ts"
import { makePhoto, photoSize } from "#domain/media/processing/photo.ts"
import { probeTracks } from "#domain/media/processing/probe.ts"
import { aVideo } from "#test/harness/club/real-media.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let folder: string
let tool: Ffmpeg
const facilityId = newId()
const { signal } = new AbortController()
const small = { timeMs: 5_000, cpuSeconds: 5, memoryBytes: 1024 ** 3, fileBytes: 1024 ** 2 }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slotbase-hostile-"))
  const found = findFfmpeg(undefined)
  if (!found) throw new Error("ffmpeg is missing")
  tool = found
})
afterAll(() => rm(folder, { recursive: true }))

async function written(bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, newId())
  await Bun.write(path, bytes)
  return path
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => "taken",
    (error: { _tag?: string; code?: string; message: string }) => error.code ?? `${error._tag}: ${error.message}`,
  )
const probe = async (bytes: Uint8Array | string, contentType = "video/mp4") =>
  refusal(probeTracks(tool, { path: await written(bytes), contentType, signal }))

test("a playlist, a script and a text that call themselves a video open nothing else", async () => {
  const secret = await written("a secret of the machine")
  const answers = Bun.serve({ port: 0, fetch: () => new Response("asked") })
  let asked = 0
  answers.reload({
    fetch: () => {
      asked++
      return new Response("asked")
    },
  })
  const lists = [
    `#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:${answers.port}/a.ts\n`,
    `#EXTM3U\n#EXTINF:10,\nfile://${secret}\n`,
    `ffconcat version 1.0\nfile ${secret}\n`,
    "a text",
  ]
  for (const list of lists)
    for (const type of ["video/mp4", "video/webm", "audio/mpeg", "audio/ogg", "audio/wav"])
      expect(await probe(list, type)).toBe("media_unreadable")
  expect(asked).toBe(0)
  await answers.stop(true)
})

test("a video that is cut off, empty or of zeros is refused", async () => {
  const whole = await aVideo(folder, { seconds: 0.5 })
  for (const bytes of [
    whole.subarray(0, 100),
    whole.subarray(0, whole.byteLength >> 1),
    new Uint8Array(0),
    new Uint8Array(5_000),
  ])
    expect(await probe(bytes)).toBe("media_unreadable")
})

test("a photo of a few bytes that claims a billion points is refused before it is read", async () => {
  const path = await written(pngOf(65_000, 65_000))
  expect(await refusal(photoSize(path, facilityId))).toBe("media_too_large")
  expect(await refusal(makePhoto(path, { label: "x", format: "jpeg", longest: 480 }, facilityId))).toBe(
    "media_unreadable",
  )
})

test("a photo that is a text, or is cut off, is refused", async () => {
  for (const bytes of ["a text", pngOf(40, 40).subarray(0, 60)]) {
    const path = await written(bytes)
    expect(await refusal(makePhoto(path, { label: "x", format: "jpeg", longest: 480 }, facilityId))).toBe(
      "media_unreadable",
    )
  }
})

test("an output that grows past its limit ends the work, and so does its time", async () => {
  const path = await written(await aVideo(folder, { seconds: 4, width: 1280, height: 720 }))
  const raw = (limits: object, filter = "null") =>
    refusal(
      runFfmpeg(tool, {
        ...{ path, contentType: "video/mp4", signal, limits },
        output: [
          "-v",
          "error",
          "-map",
          "0:v:0",
          "-vf",
          filter,
          "-c:v",
          "rawvideo",
          "-f",
          "nut",
          `file:${join(folder, newId())}`,
        ],
      }),
    )
  expect(await raw({ fileBytes: 1_000_000 })).toBe("media_too_large")
  expect(await raw({ timeMs: 300 }, "realtime")).toBe("media_too_slow")
  expect(await raw({ memoryBytes: 300_000_000 }, "scale=3840:2160")).toBe("media_too_large")
})

test("a program that starts others is ended with all of them", async () => {
  const mark = `sleep 61.${Date.now() % 100_000}`
  const running = () => Bun.spawnSync(["pgrep", "-f", mark]).stdout.toString().trim()
  const end = await runForeign(["sh", "-c", `${mark} & ${mark} & wait`], { limits: { ...small, timeMs: 300 } })
  expect(end.how).toBe("time")
  await eventually(() => expect(running()).toBe(""))
})

test("a program gets none of the server's variables", async () => {
  const lines: string[] = []
  process.env.SLOTBASE_SECRET_OF_A_TEST = "secret"
  await runForeign(["env"], { limits: small, onLine: (line) => lines.push(line) })
  delete process.env.SLOTBASE_SECRET_OF_A_TEST
  expect(
    lines
      .map((line) => line.split("=")[0])
      .filter((name) => !/^(PWD|OLDPWD|_|SHLVL)$/.test(name ?? ""))
      .sort(),
  ).toEqual(["LC_ALL", "PATH", "TZ"])
})

test("the ladder has the rungs that a video reaches, and its own size between them", () => {
  const rungs = (width: number, height: number) => ladderOf({ width, height }).map(({ label }) => label)
  expect(rungs(3840, 2160)).toEqual(["360p", "720p", "1080p"])
  expect(rungs(1080, 1920)).toEqual(["360p", "720p", "1080p"])
  expect(rungs(1280, 720)).toEqual(["360p", "720p"])
  expect(rungs(720, 576)).toEqual(["360p", "576p"])
  expect(rungs(640, 400)).toEqual(["360p"])
  expect(rungs(321, 241)).toEqual(["240p"])
  expect(rungs(3, 3)).toEqual(["2p"])
})

/** The header of a PNG, with a picture that is not there. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.byteLength)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const start = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    start,
    chunk("IHDR", header),
    chunk("IDAT", Buffer.from(Bun.deflateSync(Buffer.alloc(100)))),
    chunk("IEND", Buffer.alloc(0)),
  ])
}
