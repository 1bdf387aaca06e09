/**
 * Files on the disk, below `uploads` of the data directory.
 * A file is made durable where it was received and renamed to its place in one step. Then its folder is made durable.
 * A crash leaves the whole file or none. Several processes share the storage by sharing the folder.
 */
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { storageIdsOf, storageKeyOf } from "./keys.ts"
import type { Storage, StoredObject } from "./storage.ts"

/** The folder for files that are not whole yet, on the same file system as their final place. */
export const receivingFolder = (dataDir: string): string => join(dataDir, "uploads", "receiving")

export function diskStorage(dataDir: string): Storage {
  const root = join(dataDir, "uploads")
  // Only a storage key becomes a path.
  const pathOf = (key: string) => {
    if (storageIdsOf(key) === undefined) throw new Error(`not a storage key: ${key}`)
    return join(root, key)
  }
  return {
    name: "disk",
    async keep(key, path) {
      const place = pathOf(key)
      const folder = dirname(place)
      const firstMade = await mkdir(folder, { recursive: true })
      await syncFile(path)
      await rename(path, place)
      await syncFile(folder)
      if (firstMade !== undefined) await syncFile(dirname(firstMade))
    },
    async open(key) {
      const file = Bun.file(pathOf(key))
      return (await file.exists()) ? file : undefined
    },
    addressOf: () => undefined,
    remove: (key) => rm(pathOf(key), { force: true }),
    list: () => listFiles(root),
  }
}

async function* listFiles(root: string): AsyncIterable<StoredObject> {
  for (const facilityId of await namesIn(root)) {
    for (const fileId of await namesIn(join(root, facilityId))) {
      const key = storageKeyOf(facilityId, fileId)
      if (storageIdsOf(key) === undefined) continue
      const modifiedAt = await modifiedAtOf(join(root, key))
      if (modifiedAt) yield { key, modifiedAt }
    }
  }
}

/** The time of the last write of a file; undefined when the file is gone. */
export async function modifiedAtOf(path: string): Promise<Date | undefined> {
  try {
    return (await stat(path)).mtime
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** The names in a folder; empty when there is no such folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

const isGone = (error: unknown) => /^(ENOENT|ENOTDIR)$/.test(String((error as NodeJS.ErrnoException).code))

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
