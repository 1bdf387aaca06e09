/** What a storage does: takes a file in whole, reads it, gives it an address, forgets it. */
export type StorageName = "disk" | "s3"

export interface Storage {
  readonly name: StorageName
  /** Takes a local file in, durably; whoever reads the key sees all of it or nothing. The local file is gone then. */
  readonly keep: (key: string, path: string, label: FileLabel) => Promise<void>
  /** The content, read as it is needed; undefined when there is none under the key. */
  readonly open: (key: string) => Promise<Blob | undefined>
  /** An address at which the content can be read for so many seconds without this program; undefined: there is none. */
  readonly addressOf: (key: string, seconds: number) => string | undefined
  /** Not there is as good as removed. */
  readonly remove: (key: string) => Promise<void>
  /** Everything that is stored, in any order. */
  readonly list: () => AsyncIterable<StoredObject>
}

/** How a file is presented to whoever reads it without this program. */
export interface FileLabel {
  readonly contentType: string
  readonly disposition: string
}

export interface StoredObject {
  readonly key: string
  /** By the clock of the storage. */
  readonly modifiedAt: Date
}
