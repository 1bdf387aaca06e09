/**
 * Uploads: the files of a form are received, stored, and bound to the command that writes their rows. When the command
 * is refused or writes no rows, the files are removed before the answer. When the outcome of the commit is unknown, the
 * files stay for the job upload-cleanup.
 */

import { NotDone } from "#base/bounded/run-bounded.ts"
import type { Config } from "#base/config.ts"
import { troubleOf, troubles } from "#base/database/errors.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, RuleBroken, Unavailable } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { turns } from "#base/limits/table.ts"
import { TurnQueue } from "#base/limits/turn-queue.ts"
import { receivingFolder } from "#base/storage/disk.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import type { Storages } from "#base/storage/open.ts"
import { keepBodyText } from "#http/body.ts"
import { type FilePart, readForm } from "#http/multipart.ts"
import { BadRequest, errorAnswerOf, Ready } from "#http/problems.ts"
import { dispositionOf, labelOf } from "./file-name.ts"
import { NotMedia } from "./kinds.ts"
import { FileTooLarge, type MediaTasks, type Received, receive } from "./receive.ts"
import type { StoredFile } from "./rows.ts"

export interface Upload {
  readonly fields: ReadonlyMap<string, readonly string[]>
  readonly files: readonly StoredFile[]
  /**
   * Runs the command that writes the files' rows; the command passes its transaction to `written`. Without a commit the
   * files are removed, unless the outcome is unknown.
   */
  readonly bind: <T>(run: (written: (tx: Tx) => void) => Promise<T>) => Promise<T>
}

/** The names of the parts with files: files of any kind, and voice notes, which must be audio. */
export const filePart = "file"
export const voiceNotePart = "voiceNote"
/** Room for the form's fields, headers and boundaries, beside its files. */
const formBytes = 1024 * 1024

export interface UploadTools {
  readonly storage: Storages
  readonly config: Pick<Config, "maxUploadBytes" | "dataDir">
  readonly mediaTasks?: MediaTasks
}

/**
 * Receives a form. The whole form may be as large as the largest file. A user has few uploads under way at once.
 * @throws TooMany, BadRequest (413 `file_too_large`, `body_too_large`, 415, 422), InvalidInput, RuleBroken
 * (media_type_not_allowed, media_unreadable, voice_note_not_audio), Unavailable
 */
export const receiveUpload = (tools: UploadTools, request: Request, form: UploadForm): Promise<Upload> =>
  uploadTurns.run(form.userId, () => receiveForm(tools, request, form))

export interface UploadForm {
  readonly userId: string
  readonly facilityId: string
  readonly maxFiles: number
}

/** Uploads of both kinds. */
export const uploadTurns = new TurnQueue(turns.upload)

async function receiveForm(
  { storage: storages, config, mediaTasks = {} }: UploadTools,
  request: Request,
  { facilityId, maxFiles }: UploadForm,
): Promise<Upload> {
  const { maxUploadBytes, dataDir } = config
  const storage = storages.current
  const reception = { facilityId, folder: receivingFolder(dataDir), maxBytes: maxUploadBytes, tasks: mediaTasks }
  const files: (StoredFile & { readonly part: string; readonly sha256: string })[] = []
  // A file that can't be removed now is removed by the job upload-cleanup.
  const discard = () => Promise.allSettled(files.map(({ id }) => storage.remove(storageKeyOf(facilityId, id))))

  async function take(part: FilePart): Promise<void> {
    if (part.name !== filePart && part.name !== voiceNotePart) {
      throw new InvalidInput([{ path: `body.${part.name}`, message: `Expected ${filePart} or ${voiceNotePart}` }])
    }
    const id = newId()
    const received = await receive(reception, id, part.bytes).catch((error: unknown) => {
      throw uploadRefusal(error, part.name)
    })
    const isVoiceNote = part.name === voiceNotePart
    const { kind, path, sizeBytes, sha256, durationSeconds } = received
    try {
      if (isVoiceNote) requireAudio(received)
      const fileName = labelOf(part.fileName, kind)
      const { mediaType, contentType } = kind
      await storage.keep(storageKeyOf(facilityId, id), path, { contentType, disposition: dispositionOf(fileName) })
      files.push({
        ...{ id, mediaType, contentType, isVoiceNote, fileName, fileSizeBytes: sizeBytes, durationSeconds },
        ...{ storedIn: storage.name, part: part.name, sha256 },
      })
    } finally {
      // A stored file has already left the receiving folder.
      await received.discard()
    }
  }

  try {
    const fields = await readForm(request, { bytes: maxUploadBytes + formBytes, files: maxFiles }, take)
    // In the order of the form: a small file may be stored before a large one that came first.
    files.sort((a, b) => (a.id < b.id ? -1 : 1))
    const sent = files.map(({ part, fileName, sha256 }) => [part, fileName, sha256])
    keepBodyText(request, JSON.stringify([[...fields], sent]))
    return { fields, files, bind: (run) => bind(run, discard) }
  } catch (error) {
    await discard()
    throw error
  }
}

async function bind<T>(run: (written: (tx: Tx) => void) => Promise<T>, discard: () => Promise<unknown>): Promise<T> {
  let isCommitted = false
  const written = (tx: Tx) =>
    tx.afterCommit(() => {
      isCommitted = true
    })
  try {
    const result = await run(written)
    // The answer was kept under the Idempotency-Key. Its files are stored, so these new copies are not needed.
    if (!isCommitted) await discard()
    return result
  } catch (error) {
    const trouble = troubleOf(error)
    const isRefused = errorAnswerOf(error) !== undefined || (trouble !== undefined && troubles[trouble].refused)
    if (error instanceof Ready || isRefused) await discard()
    throw error
  }
}

export function requireAudio({ kind }: Pick<Received, "kind">): void {
  if (kind.mediaType === "audio") return
  const fault = { path: `body.${voiceNotePart}`, message: "Expected audio" }
  throw new RuleBroken("voice_note_not_audio", `The voice note is a ${kind.mediaType}.`, [fault])
}

/** The API's error for a refused file; another error as it is. */
export function uploadRefusal(error: unknown, part: string): unknown {
  if (error instanceof NotDone) return notReadOf(error, part)
  if (error instanceof NotMedia) {
    return new RuleBroken("media_type_not_allowed", error.message, [
      { path: `body.${part}`, message: "Expected a photo, a video or audio" },
    ])
  }
  return error instanceof FileTooLarge
    ? new BadRequest(413, "file_too_large", error.message, { connection: "close" })
    : error
}

/** A file that reaches a limit of its reader is refused. When the reader itself was ended, another attempt may help. */
function notReadOf({ reason }: NotDone, part: string): Error {
  if (reason === "killed" || reason === "start") {
    const detail = "The file could not be read just now, and nothing of it is kept; send it again in a moment."
    return new Unavailable("media_reading_unavailable", detail, readAgainSeconds)
  }
  const detail = "The file could not be read within the limits of time and memory, so it is not taken."
  return new RuleBroken("media_unreadable", detail, [
    { path: `body.${part}`, message: "Expected a file that can be read" },
  ])
}
const readAgainSeconds = 5
