/** The keys under which files are stored: made of ids alone, so that nothing a client sends ever becomes a path. */

/** The key of a file: the facility that it belongs to, and its own id. */
export const storageKeyOf = (facilityId: string, fileId: string): string => `${facilityId}/${fileId}`

/** The ids of a key; undefined for what is no key of ours. */
export function storageIdsOf(key: string): { readonly facilityId: string; readonly fileId: string } | undefined {
  const [, facilityId, fileId] = pattern.exec(key) ?? []
  return facilityId === undefined || fileId === undefined ? undefined : { facilityId, fileId }
}

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
const pattern = new RegExp(`^(${uuid})/(${uuid})$`)
