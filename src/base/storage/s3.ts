/**
 * Files in a bucket of an S3-compatible object storage (AWS, R2, MinIO, …), through Bun's own client.
 * Large files are sent in parts, so none is held in memory. A part of an unfinished upload is no object.
 * Clients read from the bucket itself, at addresses that it signs for a limited time.
 */
import { rm } from "node:fs/promises"
import type { S3Config } from "#base/config.ts"
import { Unavailable } from "#base/errors.ts"
import { log } from "#base/log.ts"
import type { Storage, StoredObject } from "./storage.ts"

/** A file up to this size is sent in one request. A larger file is sent in parts of this size. */
const partBytes = 8 * 1024 * 1024
/** Parts of one file in flight at once. */
const partsAtOnce = 2
/** Names in one answer of the list; S3's maximum. */
const listBatch = 1_000

export function bucketStorage(config: S3Config): Storage {
  const client = new Bun.S3Client({ ...config, partSize: partBytes, queueSize: partsAtOnce })
  return {
    name: "s3",
    async keep(key, path, { contentType, disposition }) {
      const file = Bun.file(path)
      await orUnavailable(async () => {
        await client.write(key, file, { type: contentType, contentDisposition: disposition })
        // Any 200 counts as written, a proxy's page too. The only copy goes when the bucket shows the whole file.
        const { size } = await client.stat(key)
        if (size !== file.size) throw new Error(`the bucket has ${size} of the ${file.size} bytes of a file`)
      })
      await rm(path, { force: true })
    },
    async open(key) {
      const file = client.file(key)
      return (await orUnavailable(() => file.exists())) ? file : undefined
    },
    addressOf: (key, seconds) => client.presign(key, { method: "GET", expiresIn: seconds }),
    // S3 answers 204 whether or not the object existed.
    remove: (key) => client.delete(key),
    list: () => listObjects(client),
  }
}

async function* listObjects(client: Bun.S3Client): AsyncIterable<StoredObject> {
  let startAfter: string | undefined
  do {
    const { contents = [], isTruncated } = await client.list({
      maxKeys: listBatch,
      ...(startAfter !== undefined && { startAfter }),
    })
    for (const { key, lastModified } of contents) {
      if (lastModified !== undefined) yield { key, modifiedAt: new Date(lastModified) }
    }
    startAfter = isTruncated ? contents.at(-1)?.key : undefined
  } while (startAfter !== undefined)
}

/** Whatever the bucket's fault is, the caller may ask again later. The log has the fault. */
async function orUnavailable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    log.error("object storage failed", {
      error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown",
    })
    throw new Unavailable("upload_storage_unavailable", "The storage of files does not answer; ask again later.", 10)
  }
}
