/** A storage takes a whole file, reads it, gives it an address and removes it. */
export type StorageName = "disk" | "s3"

export interface Storage {
  readonly name: StorageName
  /**
   * Stores a local file durably. A reader of the key sees all of the file or nothing. Afterwards the local file is
   * gone.
   */
  readonly keep: (key: string, path: string, label: FileLabel) => Promise<void>
  /** The content, read as needed; undefined when the key has none. */
  readonly open: (key: string) => Promise<Blob | undefined>
  /**
   * An address at which the content can be read for so many seconds without this program; undefined when there is none.
   */
  readonly addressOf: (key: string, seconds: number) => string | undefined
  /** Removing a missing file succeeds. */
  readonly remove: (key: string) => Promise<void>
  /** Every stored file, in any order. */
  readonly list: () => AsyncIterable<StoredObject>
}

/** How a file is presented to a client that reads it without this program. */
export interface FileLabel {
  readonly contentType: string
  readonly disposition: string
}

export interface StoredObject {
  readonly key: string
  /** By the clock of the storage. */
  readonly modifiedAt: Date
}
