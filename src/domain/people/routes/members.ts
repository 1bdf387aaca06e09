/** The members of a facility: found, listed, described, imported and invited. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin, requireStaff } from "#access/caller.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates, scaled } from "#base/limits/table.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { FacilityMember, ImportReport } from "#domain/people/members/answer.ts"
import { changeMember } from "#domain/people/members/change.ts"
import { type CheckedFile, checkLines } from "#domain/people/members/check-lines.ts"
import { getMember, listMembers } from "#domain/people/members/find.ts"
import { importMembers } from "#domain/people/members/import.ts"
import { ImportInput, MemberChange, MemberQuery } from "#domain/people/members/input.ts"
import { inviteMember } from "#domain/people/members/invite.ts"
import { readCsv } from "#domain/people/members/read-csv.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api } from "#http/route.ts"

const tag = "People"
const tooOften = "This guest was invited several times; wait, then try again."
const Invited = Schema.Struct({ status: Schema.Literal("invited") })

export const memberRoutes = (app: App) => {
  /** Of one guest. A club invites many, but nobody over and over. */
  const invitations = new RateLimiter(scaled(rates.furtherLinkMail, app.config.requestsPerSecond))
  return new Elysia({ name: "members" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/members",
      async ({ caller, input, query, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return listMembers(app.db, staff, input(MemberQuery, query))
      },
      described({
        tag,
        summary: "Find and list the members of a facility, by name",
        description: "For staff: everybody with a role in the facility or in its organization, guests included.",
        query: MemberQuery,
        answer: listOf(FacilityMember),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/members/:userId",
      async ({ caller, params }) => {
        const { facilityId } = requireStaff(await caller(), facilityIdOf(params.facilityId))
        return getMember(app.db, facilityId, idOf(params.userId, "member"))
      },
      described({ tag, summary: "Read a member", description: "For staff.", answer: FacilityMember }),
    )
    .patch(
      "/v1/facilities/:facilityId/members/:userId",
      async ({ command, caller, input, body, params }) => {
        const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
        const userId = idOf(params.userId, "member")
        const change = input(MemberChange, body)
        return command((tx) => changeMember(tx, staff, userId, change))
      },
      described({
        tag,
        summary: "Change what the facility keeps about a member",
        description:
          "For staff. A field that is left out stays, and null clears it. A guest has an e-mail address that staff change; " +
          "an account changes its own.",
        body: MemberChange,
        answer: FacilityMember,
        events: ["member.details_changed"],
        problems: [409],
        audited: "member.changed",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/members/import",
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const { csv, delimiter, invite = false, dryRun = false } = input(ImportInput, body)
        return command((tx, file: CheckedFile) => importMembers(tx, app.secrets, admin, file, { invite, dryRun }), {
          before: async () => checkLines(await readCsv(csv, delimiter, admin.facilityId)),
        })
      },
      described({
        tag,
        summary: "Import members from a CSV file",
        description:
          "For administrators. The columns are firstName, lastName, email, phone, postalCode and memberNumber, in any " +
          "order; the first two are required. Each new member is a guest whom staff can book for. The report has each " +
          "line. A line with a fault is left out. A member with the same number or address is neither made again nor " +
          "changed. A line with a member's address and another number is refused.",
        body: ImportInput,
        bodySize: "file",
        answer: ImportReport,
        events: ["user.created", "user.invited", "members.imported"],
        audited: "members.imported",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/members/:userId/invitation",
      async ({ command, caller, input, body, params, set }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const userId = idOf(params.userId, "member")
        input(NoInput, body)
        return command((tx) => inviteMember(tx, app.secrets, admin, userId), {
          status: 202,
          before: async () => addStanding(set, invitations.require(`${admin.facilityId} ${userId}`, tooOften)),
        })
      },
      described({
        tag,
        summary: "Invite a guest to an account",
        description:
          "For administrators. A link to set a password goes to the guest's address, and works once within seven days. " +
          "With the password the guest signs in by that address, and keeps bookings and payments.",
        body: NoInput,
        answer: Invited,
        status: 202,
        events: ["user.invited"],
        problems: [409],
        audited: "member.invited",
      }),
    )
}
