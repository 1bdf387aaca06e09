// Accounts: people, their roles, children and sessions; organizations; and routes that are open to all.

import { exampleBodies } from "#api/examples.ts"
import { newId } from "#base/ids.ts"
import { admins, everybody, known, platform, type Row, staff } from "#test/whole/authorization/row.ts"
import type { Scene } from "#test/whole/authorization/scene.ts"

const person = () => ({
  email: `${newId()}@example.com`,
  password: "correct horse battery",
  firstName: "Mia",
  lastName: "Keller",
})
const playerHere = ({ place }: Scene) => ({ role: "player", scopeType: "facility", scopeId: place.id })
const passwordChange = () => ({ currentPassword: "not the password", newPassword: "violet harbour ladder" })
const emailChange = () => ({ email: `${newId()}@example.com`, password: "not the password" })
const pushSubscription = () => ({
  ...(exampleBodies["POST /v1/me/push-subscriptions"] as object),
  endpoint: `http://127.0.0.1:8009/${newId()}`,
})
/** Those who sign in. */
const people = "OASCMRXZ"
const child = { firstName: "Ben", lastName: "Keller", relationship: "mother" }

export const accountRows: readonly Row[] = [
  ["POST /v1/users", everybody, { body: person }],
  ["POST /v1/sessions", everybody, { body: ({ world }) => world.credentials }],
  ["DELETE /v1/sessions", "OASCMRXZ", { signsOut: true }],
  ["GET /v1/me", known],
  ["PATCH /v1/me", people, { body: () => ({ lastName: "Brandt" }) }],
  ["PATCH /v1/users/:id", platform, { own: people, refused: 404, body: () => ({ lastName: "Brandt" }) }],
  ["POST /v1/me/password", people, { body: passwordChange, meets: "422 wrong_password" }],
  ["POST /v1/me/email-change", people, { body: emailChange, meets: "422 wrong_password" }],
  ["GET /v1/me/phone", people],
  ["POST /v1/me/phone/verification", people, { body: () => ({ code: "000000" }), meets: "422 no_phone_code" }],
  ["PUT /v1/me/phone", people, { body: () => ({ number: "+4915112345678" }) }],
  ["DELETE /v1/me/phone", people],
  ["GET /v1/me/notifications", people],
  ["POST /v1/me/notifications/read", people],
  ["POST /v1/me/notifications/:id/read", "", { own: people, hidden: people }],
  ["GET /v1/push-key", everybody],
  ["GET /v1/me/push-subscriptions", people],
  ["POST /v1/me/push-subscriptions", people, { body: pushSubscription }],
  ["DELETE /v1/me/push-subscriptions/:id", "", { own: people, hidden: people }],
  ["GET /v1/me/message-preferences", people],
  ["PUT /v1/me/message-preferences", people, { body: () => ({ switches: [], quietHours: null }) }],
  ["POST /v1/password-resets", everybody, { body: () => ({ email: `${newId()}@example.com` }) }],
  ["POST /v1/account-links/use", everybody, { body: () => ({ token: "none" }), meets: "422 link_not_valid" }],
  ["GET /v1/me/sessions", people],
  ["DELETE /v1/me/sessions", people],
  ["DELETE /v1/me/sessions/:id", "", { own: people, hidden: people }],
  ["GET /v1/live", everybody, { meets: "426 upgrade_required" }],
  ["POST /v1/me/memberships", people, { body: () => ({ facilityId: newId() }), meets: "422 facility_unknown" }],
  ["POST /v1/users/:id/roles", admins, { body: playerHere, hidden: "XZ" }],
  ["GET /v1/role-invitations", known],
  ["POST /v1/role-invitations/:id/accept", "", { own: "OASCMRXZ", refused: 404 }],
  ["POST /v1/role-invitations/:id/decline", "", { own: "OASCMRXZ", refused: 404 }],
  ["GET /v1/users/:id/roles", admins, { own: "OASCMRXZ", refused: 404 }],
  [
    "DELETE /v1/users/:id/roles",
    admins,
    { hidden: "XZ", madeAs: { users: "members" }, query: "role=player&scopeType=facility&scopeId=:facilityId" },
  ],
  ["POST /v1/users/:id/children", staff, { own: "OASCMRXZ", refused: 404, body: () => child }],
  ["GET /v1/users/:id/children", staff, { own: "OASCMRXZ", refused: 404 }],
  ["DELETE /v1/users/:id/children/:childId", "P", { own: "MR", hidden: "CMRXZ", meets: "409 child_needs_a_parent" }],
  ["GET /v1/child-links", known],
  ["POST /v1/child-links/:id/accept", "", { own: "OASCMRXZ", refused: 404 }],
  ["POST /v1/child-links/:id/decline", "", { own: "OASCMRXZ", refused: 404 }],
  ["POST /v1/organizations", "P"],
  ["GET /v1/organizations", known],
  ["GET /v1/organizations/:id", "P", { refused: 404 }],
  ["POST /v1/facilities", "P", { body: () => ({ name: "Lakeside", timezone: "Europe/Berlin", currency: "EUR" }) }],
  ["GET /v1/facilities", known],
  ["GET /v1/plans", everybody],
  ["POST /v1/coupons", "P", { body: () => ({ code: `C${newId().slice(-12)}`, percentOff: 10 }) }],
  ["GET /v1/coupons", "P"],
  ["GET /v1/event-types", everybody],
  ["GET /v1/event-types/:type", everybody],
  ["POST /v1/integrations/stripe/webhook", "", { refused: 404, nobody: 404 }],
  ["GET /v1/media/:mediaId/content", "", { query: "expires=1&signature=x", nobody: 403 }],
]
