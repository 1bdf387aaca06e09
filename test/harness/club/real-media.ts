// Videos, recordings and photos that programs play, made by ffmpeg and libvips when a test asks for them. They are
// small and harmless. Their pictures have four colours, so that a test sees how a picture is turned.

import { chmod, mkdir, symlink } from "node:fs/promises"
import { join } from "node:path"
import sharp from "sharp"
import { type Ffmpeg, findFfmpeg } from "#domain/media/processing/ffmpeg.ts"

/** Runs ffmpeg; throws with what it says. */
export async function ffmpeg(...args: readonly string[]): Promise<void> {
  const child = Bun.spawn(["ffmpeg", "-v", "error", "-nostdin", "-y", ...args], { stdout: "ignore", stderr: "pipe" })
  const says = await child.stderr.text()
  if ((await child.exited) !== 0) throw new Error(`ffmpeg: ${says}`)
}

export interface VideoWish {
  readonly seconds?: number
  readonly width?: number
  readonly height?: number
  readonly sound?: boolean
  /** Decibels that the tone is turned down. */
  readonly quieterBy?: number
  /** Degrees, as ffprobe counts them. */
  readonly rotation?: number
}

/** Words that stand in the tags and chapters of the video, and must not come out. */
export const privateWords = ["Mia Keller", "+52.5200+013.4050/", "PhoneMaker", "Model X of Mia"] as const

/** An MP4: the upper left quarter is blue, the rest is red. A tone of 440 Hz sounds. Tags and chapters name people. */
export async function aVideo(folder: string, wish: VideoWish = {}): Promise<Uint8Array> {
  const { seconds = 0.4, width = 640, height = 360, sound = true, quieterBy = 25, rotation } = wish
  const [tags, plain, path] = ["txt", "mp4", "mp4"].map((end) => join(folder, `${crypto.randomUUID()}.${end}`)) as [
    string,
    string,
    string,
  ]
  const [name, place, maker, model] = privateWords
  const chapter = `[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=Serve of ${name}\n`
  await Bun.write(tags, `;FFMETADATA1\nlocation=${place}\nmake=${maker}\nmodel=${model}\ntitle=${name}\n${chapter}`)
  await ffmpeg(
    ...["-f", "lavfi", "-i", `color=red:s=${width}x${height}:d=${seconds}:r=25`],
    ...["-f", "lavfi", "-i", `sine=frequency=440:duration=${seconds}`, "-i", tags],
    ...["-map", "0:v", ...(sound ? ["-map", "1:a", "-af", `volume=-${quieterBy}dB`] : []), "-map_metadata", "2"],
    ...["-map_chapters", "2", "-vf", `drawbox=x=0:y=0:w=${width / 2}:h=${height / 2}:color=blue:t=fill`],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"],
    ...["-movflags", "use_metadata_tags", plain],
  )
  if (rotation === undefined) return Bun.file(plain).bytes()
  const turned = ["-metadata:s:v:0", `rotate=${rotation}`, "-movflags", "use_metadata_tags"]
  await ffmpeg("-i", plain, "-c", "copy", "-map_metadata", "0", ...turned, path)
  return Bun.file(path).bytes()
}

/** A video of six seconds with a form that takes as long with a slow ffmpeg, and little work without it. */
export async function aLongVideo(folder: string): Promise<Uint8Array> {
  const path = join(folder, `${crypto.randomUUID()}.mp4`)
  await ffmpeg("-f", "lavfi", "-i", "testsrc2=s=1280x720:d=6:r=5", "-c:v", "libx264", "-preset", "ultrafast", path)
  return Bun.file(path).bytes()
}

/** An ffmpeg that writes a video no faster than it plays, so that it is caught in the middle without much work. */
export async function aSlowFfmpeg(folder: string): Promise<Ffmpeg> {
  const real = findFfmpeg(undefined)
  if (!real) throw new Error("ffmpeg is missing: install it as root, such as by: apt-get install ffmpeg")
  const place = join(folder, `slow-${crypto.randomUUID()}`)
  const slow = { ffmpeg: join(place, "ffmpeg"), ffprobe: join(place, "ffprobe") }
  await mkdir(place)
  await symlink(real.ffprobe, slow.ffprobe)
  await Bun.write(
    slow.ffmpeg,
    `#!/bin/sh\ncase "$*" in *libx264*) set -- -re "$@" ;; esac\nexec "${real.ffmpeg}" "$@"\n`,
  )
  await chmod(slow.ffmpeg, 0o755)
  return slow
}

/** A recording with a tone, in the form of its extension. `source`: another sound, as a filter of ffmpeg. */
export async function aRecording(
  folder: string,
  wish: {
    readonly seconds?: number
    readonly quieterBy?: number
    readonly end?: string
    readonly source?: string
    readonly options?: readonly string[]
  } = {},
): Promise<Uint8Array> {
  const { seconds = 1, quieterBy = 30, end = "wav", options = [] } = wish
  const source = wish.source ?? `sine=frequency=440:duration=${seconds},volume=-${quieterBy}dB`
  const path = join(folder, `${crypto.randomUUID()}.${end}`)
  await ffmpeg("-f", "lavfi", "-i", source, ...options, path)
  return Bun.file(path).bytes()
}

/** A photo of 400 × 200 that is shown as 200 × 400: its EXIF turns it to the right, and names a place and a phone. */
export async function aPhoto(format: "jpeg" | "webp" | "avif" | "png"): Promise<Uint8Array> {
  const blue = { create: { width: 200, height: 100, channels: 3, background: "#00f" } } as const
  const picture = sharp({ create: { width: 400, height: 200, channels: 3, background: "#f00" } })
    .composite([{ input: await sharp(blue).png().toBuffer(), left: 0, top: 0 }])
    .withExif({ IFD0: { Make: "PhoneMaker", Model: "Model X of Mia" }, IFD3: { GPSLatitude: "52/1 31/1 12/1" } })
    .withMetadata({ orientation: 6 })
  return new Uint8Array(await picture.toFormat(format).toBuffer())
}

/**
 * The same photo as a phone's HEIC, in Display P3. It was made by heif-enc of libheif 1.15. The box that turns it,
 * irot, was added by hand, because that program writes none.
 */
export const aHeic = (): Promise<Uint8Array> => Bun.file(join(import.meta.dir, "recordings/turned.heic")).bytes()

export type Colour = "red" | "blue" | "other"

/** The colour in the middle of each quarter of a picture: upper left, upper right, lower left, lower right. */
export async function quartersOf(picture: Uint8Array): Promise<{ readonly size: string; readonly colours: Colour[] }> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const at = (x: number, y: number): Colour => {
    const from = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * info.channels
    const [r = 0, g = 0, b = 0] = data.subarray(from, from + 3)
    return r > 180 && b < 80 && g < 80 ? "red" : b > 180 && r < 80 && g < 80 ? "blue" : "other"
  }
  return {
    size: `${info.width}x${info.height}`,
    colours: [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)],
  }
}

/** The first picture of a video, as PNG. */
export async function firstPicture(folder: string, video: Uint8Array): Promise<Uint8Array> {
  const [from, to] = ["mp4", "png"].map((end) => join(folder, `${crypto.randomUUID()}.${end}`)) as [string, string]
  await Bun.write(from, video)
  await ffmpeg("-i", from, "-frames:v", "1", to)
  return Bun.file(to).bytes()
}

/** The integrated loudness, LUFS (EBU R 128), measured by another filter than the one that levels. */
export async function loudnessOf(folder: string, sound: Uint8Array): Promise<number> {
  const path = join(folder, `${crypto.randomUUID()}.bin`)
  await Bun.write(path, sound)
  const args = ["-nostats", "-i", path, "-map", "0:a:0", "-af", "ebur128", "-f", "null", "-"]
  const child = Bun.spawn(["ffmpeg", ...args], { stdout: "ignore", stderr: "pipe" })
  const says = await child.stderr.text()
  return Number(/I:\s+(-?[\d.]+) LUFS/.exec(says.slice(says.lastIndexOf("Summary")))?.[1])
}

/** What ffprobe says of a file. */
export async function probed(folder: string, bytes: Uint8Array) {
  const path = join(folder, `${crypto.randomUUID()}.bin`)
  await Bun.write(path, bytes)
  const args = ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", path]
  return (await Bun.spawn(["ffprobe", ...args], { stdout: "pipe" }).stdout.json()) as {
    readonly format: { readonly duration: string; readonly tags?: Record<string, string> }
    readonly chapters: readonly unknown[]
    readonly streams: readonly Record<string, unknown>[]
  }
}
