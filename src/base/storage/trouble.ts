/** Why a local disk cannot take a file now. The request is at no fault. */

export type DiskTrouble = "upload_storage_full" | "upload_storage_read_only" | "upload_storage_failed"

/** No part of a file stays behind: what was received is removed, and a file gets its name only when it is whole. */
export const diskTroubles = {
  upload_storage_full: { says: "The disk for uploads is full.", refused: true, lasting: true },
  upload_storage_read_only: { says: "The disk for uploads is read-only.", refused: true, lasting: true },
  upload_storage_failed: { says: "The disk for uploads fails.", refused: true, lasting: true },
} as const

/** Undefined for a failure that is not a file system's. */
export function diskTroubleOf(error: unknown): DiskTrouble | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined
  return byCode[String(error.code)]
}

const byCode: Readonly<Record<string, DiskTrouble>> = {
  ENOSPC: "upload_storage_full",
  EDQUOT: "upload_storage_full",
  EROFS: "upload_storage_read_only",
  EACCES: "upload_storage_read_only",
  EPERM: "upload_storage_read_only",
  EIO: "upload_storage_failed",
  // A file in the place of a folder, or a folder in a place where none can be made.
  ENOTDIR: "upload_storage_failed",
  EEXIST: "upload_storage_failed",
}
