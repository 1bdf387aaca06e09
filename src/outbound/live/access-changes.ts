/** The events after which people may hear less than before. Whose sockets they concern follows from their data. */
import type { EventType } from "#events/catalogue.ts"
import type { LogRow } from "./log-row.ts"

/** Whose sockets are to be checked. */
export interface AccessChange {
  readonly users: ReadonlySet<string>
  readonly facilities: ReadonlySet<string>
}

const ofPeople: ReadonlySet<string> = new Set<EventType>([
  "user.role_revoked",
  "user.role_assigned",
  "user.sessions_ended",
  "user.password_changed",
  "user.email_changed",
  "parent_child.linked",
  "parent_child.unlinked",
])

/** A facility may leave its organization, or stop showing its availability. */
const ofFacilities: ReadonlySet<string> = new Set<EventType>(["facility.settings_updated"])
const settings: ReadonlySet<string> = new Set(["organizationId", "publicAvailability"])

/** Undefined: nobody has less access than before. */
export function accessChangeOf(rows: readonly LogRow[]): AccessChange | undefined {
  const users = new Set<string>()
  const facilities = new Set<string>()
  for (const { type, data, facility_id } of rows) {
    if (data === null) continue
    if (ofPeople.has(type)) {
      const { userId, parentId } = data as { readonly userId?: unknown; readonly parentId?: unknown }
      for (const id of [userId, parentId]) if (typeof id === "string") users.add(id.toLowerCase())
    }
    if (!ofFacilities.has(type)) continue
    const { changedSettings } = data as { readonly changedSettings?: readonly string[] }
    if (changedSettings?.some((name) => settings.has(name))) facilities.add(facility_id)
  }
  return users.size === 0 && facilities.size === 0 ? undefined : { users, facilities }
}
