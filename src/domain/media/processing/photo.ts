/**
 * The forms of a photo, made by libvips (sharp) in a child process. ffmpeg was tried: it reads a photo's angle in JPEG
 * only, and not its colours. The children are other ones than those that read uploads, so no upload waits for them.
 */
import { join, resolve } from "node:path"
import * as Schema from "effect/Schema"
import { type BoundedTask, ChildPool, NotDone, poolLimits } from "#base/bounded/run-bounded.ts"
import { turns } from "#base/limits/table.ts"
import type { PhotoForm, PhotoSize } from "./forms.ts"
import { MediaRefused } from "./refusal.ts"

const Size = Schema.Struct({ width: Schema.Int, height: Schema.Int, isMoving: Schema.Boolean })
const Form = Schema.Struct({ base64: Schema.String, width: Schema.Int, height: Schema.Int })

/** Longest side and points of a photo; a bomb of a few bytes claims more. */
const maxSide = 30_000
const maxPoints = 110_000_000

const readSize: BoundedTask<{ readonly path: string }, typeof Size.Type> = {
  module: join(import.meta.dir, "../tasks/size-of-photo.ts"),
  timeMs: 10_000,
  decode: Schema.decodeUnknownSync(Size),
}

const makeForm: BoundedTask<{ readonly path: string; readonly form: PhotoForm }, typeof Form.Type> = {
  module: join(import.meta.dir, "../tasks/form-of-photo.ts"),
  timeMs: 60_000,
  decode: Schema.decodeUnknownSync(Form),
}

const readHeic: BoundedTask<{ readonly path: string }, string> = {
  module: join(import.meta.dir, "../tasks/picture-of-heic.ts"),
  timeMs: 60_000,
  decode: Schema.decodeUnknownSync(Schema.String),
}

let pool: ChildPool | undefined
/** libvips holds 200 MB for a photo of 50 million points that must be read whole. */
const photoPool = () =>
  (pool ??= new ChildPool({
    ...poolLimits,
    turns: turns.photo,
    memoryBytes: 1024 * 1024 * 1024,
    cpuSeconds: 600,
    tasksOfOneChild: 20,
  }))

/** The size of a photo, upright. @throws MediaRefused (media_unreadable, media_too_large), TooMany */
export async function photoSize(path: string, facilityId: string): Promise<PhotoSize> {
  const size = await photoPool()
    .run(readSize, { path: resolve(path) }, facilityId)
    .catch(refused)
  if (Math.max(size.width, size.height) > maxSide || size.width * size.height > maxPoints) {
    throw new MediaRefused("media_too_large", `The photo has ${size.width} × ${size.height} points, which is too many.`)
  }
  return size
}

/** @throws MediaRefused, TooMany, or an Error that another attempt may not meet */
export async function makePhoto(path: string, form: PhotoForm, facilityId: string) {
  const { base64, width, height } = await photoPool()
    .run(makeForm, { path: resolve(path), form }, facilityId)
    .catch(refused)
  return { bytes: Buffer.from(base64, "base64"), width, height }
}

/** The types of photos that are decoded before forms are made of them: libvips reads their header only. */
export const isHeic = (contentType: string): boolean => contentType === "image/heic" || contentType === "image/heif"

/** A HEIC photo as a WebP, upright. @throws MediaRefused, TooMany, or an Error that another attempt may not meet */
export async function decodeHeic(path: string, facilityId: string): Promise<Buffer> {
  const base64 = await photoPool()
    .run(readHeic, { path: resolve(path) }, facilityId)
    .catch(refused)
  return Buffer.from(base64, "base64")
}

function refused(error: unknown): never {
  if (!(error instanceof NotDone) || error.reason === "killed" || error.reason === "start") throw error
  if (error.reason === "time") throw new MediaRefused("media_too_slow", "The photo took too long to read.")
  if (error.reason === "memory") throw new MediaRefused("media_too_large", "The photo needs too much memory.")
  throw new MediaRefused("media_unreadable", "The photo is broken, or of a form that nothing here reads.")
}
