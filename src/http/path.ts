/** Ids in addresses. A text that is no id names nothing: it is answered with 404 before it reaches a uuid column. */
import { NotFound } from "#base/errors.ts"
import { isId, platformFacilityId } from "#base/ids.ts"

/** The id in lower case. Throws NotFound. */
export function idOf(text: string, what: string): string {
  if (!isId(text)) throw new NotFound(what)
  return text.toLowerCase()
}

/** The platform's own row is not a facility that anybody can enter. */
export function facilityIdOf(text: string): string {
  const id = idOf(text, "facility")
  if (id === platformFacilityId) throw new NotFound("facility", id)
  return id
}
