/** The keys under which files are stored, made of ids alone. Nothing that a client sends ever becomes a path. */

/** The key of a file: the id of its facility, and its own id. */
export const storageKeyOf = (facilityId: string, fileId: string): string => `${facilityId}/${fileId}`

/** The ids of a key; undefined for a text that is not one of our keys. */
export function storageIdsOf(key: string): { readonly facilityId: string; readonly fileId: string } | undefined {
  const [, facilityId, fileId] = pattern.exec(key) ?? []
  return facilityId === undefined || fileId === undefined ? undefined : { facilityId, fileId }
}

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
const pattern = new RegExp(`^(${uuid})/(${uuid})$`)
