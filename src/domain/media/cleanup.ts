/** Removes unreachable uploads: those that have expired, files without a row, and files whose upload never ended. */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { clock } from "#base/clock.ts"
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { modifiedAtOf, namesIn, receivingFolder } from "#base/storage/disk.ts"
import { storageIdsOf } from "#base/storage/keys.ts"
import type { Storages } from "#base/storage/open.ts"
import type { Storage, StoredObject } from "#base/storage/storage.ts"
import { withoutRow } from "./rows.ts"
import { deleteExpiredUploads } from "./uploads/rows.ts"

/** Longer than any upload. A file's row is written right after the file. */
const spareMs = 24 * 60 * 60 * 1000
/** The number of files in one statement that looks for their rows. */
const batch = 500

export interface CleanupTools {
  readonly db: Db
  readonly storage: Storages
  readonly config: Pick<Config, "dataDir">
}

/** Removes unreachable files from every storage; returns their number. */
export async function cleanUploads({ db, storage, config }: CleanupTools, stopping: AbortSignal): Promise<number> {
  const before = new Date(clock.now() - spareMs)
  await deleteExpiredUploads(db)
  let removed = await cleanReceiving(config.dataDir, before)
  for (const place of storage.all) {
    let old: StoredObject[] = []
    for await (const file of place.list()) {
      if (stopping.aborted) return removed
      if (file.modifiedAt < before) old.push(file)
      if (old.length < batch) continue
      removed += await removeOrphans(db, place, old)
      old = []
    }
    removed += await removeOrphans(db, place, old)
  }
  return removed
}

async function removeOrphans(db: Db, storage: Storage, files: readonly StoredObject[]): Promise<number> {
  const ours = files.flatMap(({ key }) => {
    const ids = storageIdsOf(key)
    return ids === undefined ? [] : [{ key, ...ids }]
  })
  if (ours.length === 0) return 0
  const orphans = await withoutRow(db, ours)
  const removable = ours.filter(({ fileId }) => orphans.has(fileId))
  for (const { key } of removable) await storage.remove(key)
  return removable.length
}

async function cleanReceiving(dataDir: string, before: Date): Promise<number> {
  const folder = receivingFolder(dataDir)
  let removed = 0
  for (const name of await namesIn(folder)) {
    const path = join(folder, name)
    const modifiedAt = await modifiedAtOf(path)
    if (modifiedAt === undefined || modifiedAt >= before) continue
    await rm(path, { force: true })
    removed++
  }
  return removed
}
