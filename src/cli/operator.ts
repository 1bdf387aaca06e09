/** The caller of the command line. */
import type { Caller } from "#access/caller.ts"
import { platformFacilityId, rootUserId } from "#base/ids.ts"

/** Anyone with access to the database may do anything in it. The root user is the recorded actor. */
export const operator: Caller = {
  userId: rootUserId,
  kind: "system",
  name: "Command line",
  email: null,
  grants: [{ role: "platform_admin", scopeType: "platform", scopeId: platformFacilityId }],
  tokenExpiresAt: null,
}
