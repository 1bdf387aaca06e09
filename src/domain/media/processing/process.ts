/**
 * Turns one file into the forms that browsers play, form by form. Each form is stored and has its row before the next
 * one is begun. After a crash the work goes on with the first form that has no row, so nothing is made twice. The
 * thumbnail is announced with its row, the rest at the end.
 */
import { mkdir, rm, stat } from "node:fs/promises"
import { join, resolve } from "node:path"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { receivingFolder } from "#base/storage/disk.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import type { Storages } from "#base/storage/open.ts"
import { dispositionOf } from "#domain/media/file-name.ts"
import { correctDuration } from "#domain/media/rows.ts"
import { transact } from "#events/outbox.ts"
import { announceProcessed, contextOf } from "./announce.ts"
import { type Ffmpeg, howToInstallFfmpeg } from "./ffmpeg.ts"
import { ladderOf, type PhotoForm, photoFormsOf, thumbnailOfPhoto } from "./forms.ts"
import { levellingOf } from "./loudness.ts"
import { insertOutput, type NewOutput, outputName, outputsOf } from "./output-rows.ts"
import { decodeHeic, isHeic, makePhoto, photoSize } from "./photo.ts"
import { probeTracks } from "./probe.ts"
import { MediaCutOff, MediaRefused } from "./refusal.ts"
import { type ClaimedMedia, holdClaim, noteProgress, type ProcessingStep } from "./rows.ts"
import { makeSound, makeThumbnail, makeVideo } from "./video.ts"

export interface ProcessingTools {
  readonly db: Db
  readonly config: Pick<Config, "dataDir" | "environment" | "publicUrl">
  readonly storage: Storages
  /** Undefined: it is not installed. */
  readonly ffmpeg: Ffmpeg | undefined
}

/** How often the progress is written, milliseconds. */
const noteEveryMs = 1_000

/**
 * Makes all forms of a file.
 * @throws MediaRefused, MediaCutOff, Unavailable, TooMany, or an error of the disk or the database
 */
export async function processMedia(tools: ProcessingTools, claim: ClaimedMedia, signal: AbortSignal): Promise<void> {
  const work = new MediaWork(tools, claim, signal)
  try {
    await work.fetchOriginal()
    if (claim.media_type === "photo") await work.photo()
    else await work.moving()
  } finally {
    await work.clean()
  }
}

const photoTypes = { jpeg: "image/jpeg", webp: "image/webp", avif: "image/avif" } as const satisfies Record<
  PhotoForm["format"],
  NewOutput["contentType"]
>

class MediaWork {
  readonly #tools: ProcessingTools
  readonly #claim: ClaimedMedia
  readonly #signal: AbortSignal
  readonly #folder: string
  readonly #path: string
  readonly #left = new Set<string>()
  /** Labels of the forms that are there. */
  readonly #made = new Set<string>()
  #notedAt = Number.NEGATIVE_INFINITY
  #noting: Promise<void> = Promise.resolve()
  readonly #lost = new AbortController()

  constructor(tools: ProcessingTools, claim: ClaimedMedia, signal: AbortSignal) {
    this.#tools = tools
    this.#claim = claim
    this.#signal = AbortSignal.any([signal, this.#lost.signal])
    this.#folder = resolve(receivingFolder(tools.config.dataDir))
    this.#path = this.#newPath()
  }

  /** A copy of the original: no program outside gets the only one. */
  async fetchOriginal(): Promise<void> {
    const { storage, db } = this.#tools
    const { facility_id, media_id, stored_in } = this.#claim
    const content = await storage.named(stored_in).open(storageKeyOf(facility_id, media_id))
    if (!content) throw new MediaRefused("media_unreadable", "The file is no longer in the storage.")
    await mkdir(this.#folder, { recursive: true })
    await Bun.write(this.#path, content)
    for (const { label } of await outputsOf(db, facility_id, media_id)) this.#made.add(label)
  }

  async photo(): Promise<void> {
    const { facility_id } = this.#claim
    const forms = [thumbnailOfPhoto, ...photoFormsOf(await photoSize(this.#path, facility_id))]
    const missing = forms.filter(({ label }) => !this.#made.has(label))
    if (missing.length === 0) return
    const readable = await this.#readablePhoto()
    for (const form of missing) {
      await this.#note(form === thumbnailOfPhoto ? "thumbnail" : "transcoding", forms.indexOf(form) / forms.length)
      const began = performance.now()
      const { bytes, width, height } = await makePhoto(readable, form, facility_id)
      const into = this.#newPath()
      await Bun.write(into, bytes)
      const contentType = photoTypes[form.format]
      await this.#keep(into, { label: form.label, contentType, width, height, durationSeconds: null }, began)
    }
  }

  /** The path of the photo in a form that libvips reads whole. */
  async #readablePhoto(): Promise<string> {
    const { content_type, facility_id } = this.#claim
    if (!isHeic(content_type)) return this.#path
    await this.#note("reading", 0)
    const bytes = await decodeHeic(this.#path, facility_id)
    const path = this.#newPath()
    await Bun.write(path, bytes)
    return path
  }

  /** A video or a recording. */
  async moving(): Promise<void> {
    const tool = this.#tools.ffmpeg
    if (!tool) throw new MediaRefused("ffmpeg_missing", `ffmpeg is not on this machine: ${howToInstallFfmpeg}.`)
    const source = { path: this.#path, contentType: this.#claim.content_type, signal: this.#signal }
    await this.#note("reading", 0)
    const { picture, sound, saidSeconds } = await probeTracks(tool, source)
    const isVideo = this.#claim.media_type === "video"
    if (isVideo && !picture) throw new MediaRefused("media_unreadable", "The video has no picture.")
    if (!isVideo && !sound) throw new MediaRefused("media_unreadable", "The recording has no sound.")
    const ladder = isVideo && picture ? ladderOf(picture) : []
    const parts = (sound ? 1 : 0) + Math.max(1, ladder.length)
    let part = 0
    const timed = (step: ProcessingStep) => ({
      ...source,
      onProgress: (seconds: number) =>
        this.#noteSoon(step, (part + Math.min(1, seconds / (saidSeconds ?? Number.POSITIVE_INFINITY))) / parts),
    })
    if (isVideo && picture && !this.#made.has("thumbnail")) {
      await this.#note("thumbnail", 0)
      await this.#make("thumbnail", "image/jpeg", (into) => makeThumbnail(tool, { ...source, into }, picture))
    }
    const missing = isVideo ? ladder.filter(({ label }) => !this.#made.has(label)) : ["sound"]
    if (missing.length === 0) return
    const levelling = sound && (await levellingOf(tool, timed("measuring")))
    part = sound ? 1 : 0
    if (isVideo && picture) {
      for (const form of ladder) {
        if (!this.#made.has(form.label)) {
          await this.#make(form.label, "video/mp4", (into) =>
            makeVideo(tool, { ...timed("transcoding"), into }, picture, form, levelling),
          )
        }
        part++
      }
    } else if (levelling !== undefined && !this.#made.has("sound")) {
      await this.#make("sound", "audio/mp4", (into) => makeSound(tool, { ...timed("transcoding"), into }, levelling))
    }
  }

  async #make(
    label: string,
    contentType: NewOutput["contentType"],
    write: (into: string) => Promise<void>,
  ): Promise<void> {
    const began = performance.now()
    const into = this.#newPath()
    await write(into)
    await this.#keep(into, { label, contentType, ...(await this.#measure(into, contentType)) }, began)
  }

  /** The size and the length of a form that was made here: what was decoded, whatever the original says of itself. */
  async #measure(path: string, contentType: NewOutput["contentType"]) {
    const tool = this.#tools.ffmpeg
    if (!tool || (await stat(path)).size === 0)
      throw new MediaRefused("media_unreadable", "Nothing came out of the file.")
    if (contentType === "image/jpeg") {
      const { width, height } = await photoSize(path, this.#claim.facility_id)
      return { width, height, durationSeconds: null }
    }
    const { picture, saidSeconds } = await probeTracks(tool, { path, contentType, signal: this.#signal })
    if (saidSeconds === undefined)
      throw new MediaRefused("media_unreadable", "Nothing that lasts came out of the file.")
    const durationSeconds = Math.round(saidSeconds * 1000) / 1000
    return { width: picture?.width ?? null, height: picture?.height ?? null, durationSeconds }
  }

  /** Stores a form, then writes its row. */
  async #keep(
    path: string,
    form: Omit<NewOutput, "id" | "purpose" | "fileSizeBytes" | "storedIn">,
    began: number,
  ): Promise<void> {
    const { db, storage, config } = this.#tools
    const { facility_id, file_name } = this.#claim
    const id = newId()
    const place = storage.current
    const key = storageKeyOf(facility_id, id)
    const fileSizeBytes = (await stat(path)).size
    const { label, contentType } = form
    reached("media-form-made", id)
    await place.keep(key, path, { contentType, disposition: dispositionOf(outputName(file_name, label, contentType)) })
    this.#left.delete(path)
    reached("media-form-stored", id)
    const purpose = label === "thumbnail" ? "thumbnail" : "rendition"
    const output: NewOutput = { ...form, id, purpose, fileSizeBytes, storedIn: place.name }
    let isNew = false
    try {
      await transact(db, contextOf(this.#claim, config.environment), async (tx) => {
        await holdClaim(tx, this.#claim)
        isNew = await insertOutput(tx, this.#claim, output)
        if (form.durationSeconds !== null) await correctDuration(tx, this.#claim, form.durationSeconds)
        if (isNew && purpose === "thumbnail")
          announceProcessed(tx, config, this.#claim, { type: "thumbnail", tookMs: performance.now() - began })
      })
    } catch (error) {
      // The row is not there for certain only when the work is somebody else's; other bytes are left to upload-cleanup.
      if (error instanceof MediaCutOff) await place.remove(key).catch(() => {})
      throw error
    }
    if (!isNew) await place.remove(key).catch(() => {})
    this.#made.add(label)
    reached("media-form-kept", id)
  }

  async #note(step: ProcessingStep, share: number): Promise<void> {
    this.#notedAt = performance.now()
    await noteProgress(this.#tools.db, this.#claim, { step, progress: Math.min(99, Math.floor(share * 100)) })
  }

  /** Without waiting, at most once a second. A claim that is lost ends the program that is running. */
  #noteSoon(step: ProcessingStep, share: number): void {
    if (performance.now() - this.#notedAt < noteEveryMs) return
    this.#notedAt = performance.now()
    this.#noting = this.#noting
      .then(() => this.#note(step, share))
      .catch((error: unknown) => {
        // While the database is away the work goes on.
        if (error instanceof MediaCutOff) this.#lost.abort(error)
      })
  }

  #newPath(): string {
    const path = join(this.#folder, newId())
    this.#left.add(path)
    return path
  }

  async clean(): Promise<void> {
    await this.#noting
    for (const path of this.#left) await rm(path, { force: true })
  }
}
