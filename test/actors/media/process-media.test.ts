// Files of feedback become forms that browsers play: the right way up, as loud as others, without places and names.
// What cannot become one says why.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import sharp from "sharp"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { mediaProcessingHandler } from "#actors/handlers/media-processing.ts"
import { processMediaActor } from "#actors/media/process-media.ts"
import type { MediaWithAddress } from "#domain/media/answer.ts"
import { type Ffmpeg, findFfmpeg } from "#domain/media/processing/ffmpeg.ts"
import { aForm, type FeedbackClub, makeFeedbackClub } from "#test/harness/club/feedback-club.ts"
import { jpeg } from "#test/harness/club/media-files.ts"
import {
  aHeic,
  aPhoto,
  aRecording,
  aVideo,
  type Colour,
  ffmpeg,
  firstPicture,
  loudnessOf,
  privateWords,
  probed,
  quartersOf,
} from "#test/harness/club/real-media.ts"
import { dispatchAll, processRow } from "#test/harness/pipeline/pipeline.ts"
import { actorOf, drain } from "#test/harness/pipeline/runs.ts"

let club: FeedbackClub
let folder: string
let tool: Ffmpeg
const handler = mediaProcessingHandler()

beforeAll(async () => {
  const found = findFfmpeg(undefined)
  if (!found) throw new Error("ffmpeg is missing: install it as root, such as by: apt-get install ffmpeg")
  tool = found
  club = await makeFeedbackClub()
  folder = club.dataDir
  await mirrorHandlers(club.db, [handler])
  // The events of the members come before the handler is subscribed.
  await dispatchAll(club.db)
})
afterAll(() => club.stop())

interface Sent {
  readonly id: string
  readonly feedbackId: string
}

async function upload(bytes: Uint8Array, name = "swing.mp4", part = "file"): Promise<Sent> {
  const feedbackId = await club.draft()
  const added = await club.send(club.coach, "POST", `/feedback/${feedbackId}/media`, aForm(bytes, { name, part }))
  expect([added.status, added.body.code]).toEqual([201, undefined])
  return { id: added.body.id, feedbackId }
}

/** Lets the handler and the actor of one process do all their work. */
async function work(ffmpeg: Ffmpeg | undefined = tool): Promise<void> {
  const owner = await processRow(club.db, true)
  await dispatchAll(club.db)
  await drain(actorOf(club.db, owner, handler))
  const actor = processMediaActor({ ...club.api.app, ffmpeg }, { owner: () => owner })
  await actor.pass(new AbortController().signal)
  await actor.idle()
  await actor.pass(new AbortController().signal)
}

const facts = async ({ id }: Sent): Promise<MediaWithAddress> => (await club.get(club.coach, `/media/${id}`)).body

async function bytesAt(url: string): Promise<Uint8Array> {
  const answer = await fetch(`${club.address}${url}`)
  expect(answer.status).toBe(200)
  return answer.bytes()
}

async function form(sent: Sent, label: string): Promise<Uint8Array> {
  const found = (await facts(sent)).forms.find((each) => each.label === label)
  if (!found) throw new Error(`there is no form ${label}`)
  return bytesAt(found.url)
}

/** What was announced of a file, in the order of its recording. */
const announced = async ({ id }: Sent) =>
  (
    await club.db<{ data: Record<string, unknown> }[]>`
      select data from slotbase.events where type = 'media.processed' and data ->> 'mediaId' = ${id} order by id`
  ).map(({ data }) => data)

const saysNothingPrivate = (bytes: Uint8Array) => {
  const text = Buffer.from(bytes).toString("latin1")
  for (const word of [...privateWords, "GPS", "Exif"]) expect([word, text.includes(word)]).toEqual([word, false])
}

describe("a video that a phone turned", () => {
  let original: Uint8Array
  let sent: Sent

  // To make forms takes a second, so the tests look at those of one video.
  beforeAll(async () => {
    original = await aVideo(folder, { width: 1280, height: 720, seconds: 1, quieterBy: 25, rotation: 90 })
    sent = await upload(original)
  })

  test("has a thumbnail and a ladder, and both are announced", async () => {
    expect(await facts(sent)).toMatchObject({ processing: null, forms: [] })
    await work()
    const { processing, forms } = await facts(sent)
    expect(processing).toEqual({ state: "done", step: null, progress: 100, reasonCode: null, reason: null })
    expect(forms.map(({ label, contentType, width, height }) => [label, contentType, width, height])).toEqual([
      ["thumbnail", "image/jpeg", 270, 480],
      ["360p", "video/mp4", 360, 640],
      ["720p", "video/mp4", 720, 1280],
    ])
    expect(forms[2]?.durationSeconds).toBeCloseTo(1, 1)
    const outputUrl = `${club.api.app.config.publicUrl}${club.at}/media/${sent.id}`
    const of = (processingType: string) => ({
      ...{ mediaId: sent.id, feedbackId: sent.feedbackId, processingType, success: true, outputUrl },
      processingTime: expect.any(Number),
    })
    expect(await announced(sent)).toEqual([of("thumbnail"), of("transcoding")])
    const { streams } = await probed(folder, await form(sent, "720p"))
    expect(streams.map((each) => [each.codec_name, each.pix_fmt])).toEqual([
      ["h264", "yuv420p"],
      ["aac", undefined],
    ])
  })

  test("stands upright in every form", async () => {
    // ffprobe counts against the clock: what was the upper left is the lower left.
    const upright = { colours: ["red", "red", "blue", "red"] as Colour[] }
    expect(await quartersOf(await form(sent, "thumbnail"))).toEqual({ size: "270x480", ...upright })
    const picture = await firstPicture(folder, await form(sent, "360p"))
    expect(await quartersOf(picture)).toEqual({ size: "360x640", ...upright })
  })

  test("says nothing of a place, a phone or a name in any form", async () => {
    const text = Buffer.from(original).toString("latin1")
    for (const word of privateWords) expect([word, text.includes(word)]).toEqual([word, true])
    for (const { label } of (await facts(sent)).forms) saysNothingPrivate(await form(sent, label))
    const { chapters, format } = await probed(folder, await form(sent, "360p"))
    expect(chapters).toEqual([])
    expect(Object.keys(format.tags ?? {}).sort()).toEqual(["compatible_brands", "major_brand", "minor_version"])
  })

  test("is as loud as others", async () => {
    expect(await loudnessOf(folder, original)).toBeLessThan(-40)
    expect(await loudnessOf(folder, await form(sent, "360p"))).toBeCloseTo(-16, 0)
  })
})

describe("a video", () => {
  test("of a tenth of a second has a thumbnail too, and one without sound has none", async () => {
    const sent = await upload(await aVideo(folder, { seconds: 0.12, sound: false }))
    await work()
    expect((await facts(sent)).forms.map(({ label }) => label)).toEqual(["thumbnail", "360p"])
    expect(await quartersOf(await form(sent, "thumbnail"))).toEqual({
      size: "480x270",
      colours: ["blue", "red", "red", "red"],
    })
    expect((await probed(folder, await form(sent, "360p"))).streams).toHaveLength(1)
  })

  test("of a high range keeps its colours on other screens", async () => {
    const path = `${folder}/hdr.mp4`
    const tags = ["-color_trc", "arib-std-b67", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
    const picture = ["-f", "lavfi", "-i", "color=red:s=640x360:d=0.4:r=25", "-pix_fmt", "yuv420p10le"]
    await ffmpeg(...picture, "-c:v", "libx264", "-preset", "ultrafast", ...tags, path)
    const sent = await upload(await Bun.file(path).bytes())
    await work()
    const { streams } = await probed(folder, await form(sent, "360p"))
    expect(streams[0]).toMatchObject({ pix_fmt: "yuv420p", color_transfer: "bt709", color_primaries: "bt709" })
    const { colours } = await quartersOf(await form(sent, "thumbnail"))
    expect(colours).toEqual(["red", "red", "red", "red"])
  })
})

describe("a recording", () => {
  test("becomes an M4A that is as loud as others", async () => {
    const sent = await upload(await aRecording(folder), "memo.wav", "voiceNote")
    await work()
    const { forms } = await facts(sent)
    expect(forms).toEqual([
      expect.objectContaining({ label: "sound", purpose: "rendition", contentType: "audio/mp4", width: null }),
    ])
    expect(await loudnessOf(folder, await form(sent, "sound"))).toBeCloseTo(-16, 0)
  })

  test("whose header lies has the length that was decoded", async () => {
    // Five quiet seconds and three loud ones, at a variable rate, without the frame that says how many there are.
    const source = "anoisesrc=d=8:a=0.5,volume='if(lt(t,5),0.0001,1)':eval=frame"
    const options = ["-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0"]
    const bytes = await aRecording(folder, { end: "mp3", source, options })
    expect(Math.abs(Number((await probed(folder, bytes)).format.duration) - 8)).toBeGreaterThan(2)
    const sent = await upload(bytes, "memo.mp3")
    await work()
    const { durationSeconds, forms } = await facts(sent)
    expect(forms[0]?.durationSeconds).toBeCloseTo(8, 0)
    expect(durationSeconds).toBeCloseTo(8, 0)
  })

  test("of six channels that is louder than full scale is levelled as what is heard", async () => {
    const wave = "sgn(sin(880*PI*t))"
    const source = `aevalsrc='${Array(6).fill(wave).join("|")}':c=5.1:d=1`
    const bytes = await aRecording(folder, { source })
    expect(await loudnessOf(folder, bytes)).toBeGreaterThan(0)
    const sent = await upload(bytes, "shout.wav")
    await work()
    expect((await facts(sent)).processing?.reason).toBeNull()
    expect(await loudnessOf(folder, await form(sent, "sound"))).toBeCloseTo(-16, 0)
  })

  test("of silence stays silent", async () => {
    const sent = await upload(await aRecording(folder, { quieterBy: 120 }), "memo.wav")
    await work()
    expect((await facts(sent)).processing?.state).toBe("done")
    expect(await loudnessOf(folder, await form(sent, "sound"))).toBeLessThan(-60)
  })
})

describe("a photo", () => {
  for (const format of ["jpeg", "webp", "avif", "heic"] as const) {
    test(`in ${format} stands upright in every form, and says nothing of a place or a phone`, async () => {
      const sent = await upload(format === "heic" ? await aHeic() : await aPhoto(format), `serve.${format}`)
      await work()
      const { forms, processing } = await facts(sent)
      expect(processing?.reason).toBeNull()
      expect(forms.map(({ label, width, height }) => [label, width, height])).toEqual([
        ["thumbnail", 200, 400],
        ["webp-1024", 200, 400],
        ["jpeg-2048", 200, 400],
        ["avif-1024", 200, 400],
      ])
      for (const { label } of forms) {
        const bytes = await form(sent, label)
        saysNothingPrivate(bytes)
        expect([label, (await quartersOf(bytes)).colours]).toEqual([label, ["red", "blue", "red", "red"]])
      }
      expect(await announced(sent)).toMatchObject([
        { processingType: "thumbnail", success: true },
        { processingType: "transcoding", success: true },
      ])
    })
  }

  test("of a phone keeps its colours, which are said in another space", async () => {
    const sent = await upload(await aHeic(), "serve.heic")
    await work()
    const { data } = await sharp(await form(sent, "jpeg-2048"))
      .raw()
      .toBuffer({ resolveWithObject: true })
    // Its bytes are 234, 51, 35: the red of the web in Display P3.
    const [red = 0, green = 0, blue = 0] = data
    expect([red > 245, green < 20, blue < 20]).toEqual([true, true, true])
  })

  test("that moves has no AVIF, because that would stand still", async () => {
    const path = `${folder}/moving.gif`
    await ffmpeg("-f", "lavfi", "-i", "testsrc2=s=200x100:d=0.5:r=4", path)
    const sent = await upload(await Bun.file(path).bytes(), "serve.gif")
    await work()
    expect((await facts(sent)).forms.map(({ label }) => label)).toEqual(["thumbnail", "webp-1024", "jpeg-2048"])
  })
})

describe("what cannot be processed", () => {
  const failure = async (sent: Sent) => {
    const { processing, forms } = await facts(sent)
    expect(processing).toMatchObject({ state: "failed" })
    expect(forms).toEqual([])
    expect(await announced(sent)).toEqual([
      {
        ...{ mediaId: sent.id, feedbackId: sent.feedbackId, processingType: "transcoding", success: false },
        reason: expect.stringContaining(`${processing?.reasonCode}: `),
        processingTime: expect.any(Number),
      },
    ])
    return processing?.reasonCode
  }

  test("a video that ends before its index fails, and says so", async () => {
    const whole = await aVideo(folder)
    const sent = await upload(whole.subarray(0, Math.floor(whole.byteLength / 2)))
    await work()
    expect(await failure(sent)).toBe("media_unreadable")
    expect((await facts(sent)).processing?.reason).toBe("The file is broken: Invalid data found when processing input.")
  })

  test("a HEIC photo that is cut off, or has nothing behind its header, fails and says so", async () => {
    const whole = await aHeic()
    const holed = new Uint8Array(whole)
    holed.fill(0, whole.byteLength - 560)
    for (const bytes of [whole.subarray(0, whole.byteLength - 500), holed]) {
      const sent = await upload(bytes, "serve.heic")
      await work()
      expect(await failure(sent)).toBe("media_unreadable")
    }
  })

  test("a photo with no picture in it fails, and says so", async () => {
    const sent = await upload(jpeg(), "serve.jpg")
    await work()
    expect(await failure(sent)).toBe("media_unreadable")
  })

  test("without ffmpeg a video fails, and a photo does not", async () => {
    const [video, photo] = [await upload(await aVideo(folder)), await upload(await aPhoto("jpeg"), "serve.jpg")]
    const owner = await processRow(club.db, true)
    await dispatchAll(club.db)
    await drain(actorOf(club.db, owner, handler))
    const actor = processMediaActor({ ...club.api.app, ffmpeg: undefined }, { owner: () => owner })
    await actor.pass(new AbortController().signal)
    await actor.idle()
    expect(await failure(video)).toBe("ffmpeg_missing")
    expect((await facts(photo)).processing?.state).toBe("done")
  })
})
