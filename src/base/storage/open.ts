/**
 * Where uploaded files are stored: on the disk of the data directory, or in an S3-compatible bucket.
 * A file is stored whole, under a key made of ids alone, and never changes afterwards.
 * A stored file stays where it is. It is found there also after the configuration names another storage for new files.
 */
import type { Config } from "#base/config.ts"
import { diskStorage } from "./disk.ts"
import { bucketStorage } from "./s3.ts"
import type { Storage, StorageName } from "./storage.ts"

export interface Storages {
  /** The storage of new files. */
  readonly current: Storage
  /** Throws when the configuration no longer describes this storage. */
  readonly named: (name: StorageName) => Storage
  /** All storages that the configuration describes. */
  readonly all: readonly Storage[]
}

/** The storages of a configuration. */
export function storagesOf(config: Pick<Config, "dataDir" | "s3">): Storages {
  const disk = diskStorage(config.dataDir)
  const bucket = config.s3 && bucketStorage(config.s3)
  const all: readonly Storage[] = bucket ? [bucket, disk] : [disk]
  return {
    current: bucket ?? disk,
    all,
    named: (name) => {
      const found = all.find((storage) => storage.name === name)
      if (!found) throw new Error(`a file is stored in ${name}, and the S3_ settings are missing`)
      return found
    },
  }
}
