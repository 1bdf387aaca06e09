// The rows of people and of the club.

import { password } from "#test/harness/api/api.ts"
import type { Row } from "./row.ts"

const bottle = { description: "Blue bottle with a fox", category: "bottle", foundLocation: "Court 1, bench" }
const everything = ["book", "pay", "view_feedback"]

export const peopleRows: readonly Row[] = [
  {
    type: "user.created",
    operation: "somebody registers as a player of the club",
    records: ["user.created"],
    async perform(club) {
      const person = { email: `${club.id}@example.com`, firstName: "Leo", lastName: "Brandt" }
      const how = { registrationSource: "mobile", facilityId: club.id }
      const { id } = await club.act(null, "POST", "/v1/users", { ...person, ...how, password })
      return { userId: id, ...person, ...how }
    },
  },
  {
    type: "user.role_assigned",
    operation: "an owner makes a player a member of staff",
    records: ["user.role_assigned"],
    async perform(club) {
      const role = { role: "staff", scopeType: "facility", scopeId: club.id }
      await club.act(club.owner, "POST", `/v1/users/${club.friend.id}/roles`, role)
      return { userId: club.friend.id, ...role, grantedBy: club.owner.id }
    },
  },
  {
    type: "parent_child.linked",
    operation: "a player makes an account for their child, and so becomes a parent in the club",
    records: ["user.created", "parent_child.linked", "user.role_assigned"],
    async perform(club) {
      const child = { firstName: "Leo", lastName: "Keller", relationship: "mother", facilityId: club.id }
      const path = `/v1/users/${club.friend.id}/children`
      const { childId } = await club.act(club.friend, "POST", path, child)
      return {
        parentId: club.friend.id,
        childId,
        relationship: "mother",
        isPrimary: true,
        permissions: everything,
      }
    },
  },
  {
    type: "facility.created",
    operation: "the platform opens a club for its owner",
    records: ["facility.created"],
    async perform(club) {
      const facility = { name: "Hillside", timezone: "Europe/Berlin", sportTypes: ["padel"], ownerId: club.owner.id }
      const { id } = await club.act(undefined, "POST", "/v1/facilities", { ...facility, currency: "EUR" })
      return { facilityId: id, ...facility }
    },
  },
  {
    type: "facility.settings_updated",
    operation: "an owner changes how long a hold lasts",
    records: ["facility.settings_updated"],
    async perform(club) {
      await club.act(club.owner, "PATCH", "/settings", { holdMinutes: 7, slotMinutes: 30 })
      return { facilityId: club.id, changedSettings: ["slotMinutes", "holdMinutes"], changedBy: club.owner.id }
    },
  },
  {
    type: "resource.created",
    operation: "an owner adds a hall",
    records: ["resource.created"],
    async perform(club) {
      const hall = { name: "Hall", resourceType: "hall" }
      const { id } = await club.act(club.owner, "POST", "/resources", hall)
      return { resourceId: id, facilityId: club.id, ...hall }
    },
  },
  {
    type: "lost_item.reported",
    operation: "a player reports what they found",
    records: ["lost_item.reported"],
    async perform(club) {
      const { id } = await club.act(club.player, "POST", "/lost-items", bottle)
      return { itemId: id, facilityId: club.id, ...bottle, reportedBy: club.player.id }
    },
  },
  {
    type: "lost_item.claimed",
    operation: "staff hand it out to its owner",
    records: ["lost_item.claimed"],
    async perform(club) {
      const { id } = await club.call(club.staff, "POST", "/lost-items", bottle)
      await club.act(club.staff, "POST", `/lost-items/${id}/claim`, { claimedBy: club.friend.id })
      return { itemId: id, facilityId: club.id, claimedBy: club.friend.id, verifiedBy: club.staff.id }
    },
  },
]
