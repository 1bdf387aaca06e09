/**
 * The audit trail over HTTP. Administrators read that of their facility or organization, the platform's administrators
 * all of it, and everybody their own sign-ins. An account belongs to no facility, so its sign-ins are nobody else's.
 */
import { Elysia } from "elysia"
import { requireAdmin, requireOrganizationAdmin, requirePlatformAdmin } from "#access/caller.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { AllSignInsQuery, AuditQuery, AuditRecord, findAudit, findSignIns, SignIn, SignInQuery } from "./find.ts"

const tag = "Audit trail"
const list = { tag, query: AuditQuery, answer: listOf(AuditRecord) } as const
const newest = "The newest first."

export const auditRoutes = (app: App) =>
  new Elysia({ name: "audit" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/audit-log",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return findAudit(app.db, { facilityId }, input(AuditQuery, query))
      },
      described({
        ...list,
        summary: "List who changed what in a facility",
        description: `For its administrators. ${newest} What staff do for members is in it, sign-ins are not.`,
      }),
    )
    .get(
      "/v1/organizations/:id/audit-log",
      async ({ caller, input, query, params }) => {
        const organizationId = idOf(params.id, "organization")
        requireOrganizationAdmin(await caller(), organizationId)
        return findAudit(app.db, { organizationId }, input(AuditQuery, query))
      },
      described({
        ...list,
        summary: "List who changed what in an organization itself",
        description: `For its administrators: the roles in the organization. ${newest}`,
      }),
    )
    .get(
      "/v1/audit-log",
      async ({ caller, input, query }) => {
        requirePlatformAdmin(await caller())
        return findAudit(app.db, {}, input(AuditQuery, query))
      },
      described({
        ...list,
        summary: "List who changed what, everywhere",
        description: `For platform administrators. ${newest}`,
      }),
    )
    .get(
      "/v1/me/sign-ins",
      async ({ caller, input, query }) => {
        const { userId } = await caller()
        return findSignIns(app.db, { ...input(SignInQuery, query), userId })
      },
      described({
        tag,
        summary: "List your own sign-ins",
        description: `${newest} Wrong passwords are counted by address and hour.`,
        query: SignInQuery,
        answer: listOf(SignIn),
        problems: [],
      }),
    )
    .get(
      "/v1/sign-ins",
      async ({ caller, input, query }) => {
        requirePlatformAdmin(await caller())
        return findSignIns(app.db, input(AllSignInsQuery, query))
      },
      described({
        tag,
        summary: "List the sign-ins of all accounts",
        description: `For platform administrators. ${newest} Wrong passwords are counted by account, address and hour.`,
        query: AllSignInsQuery,
        answer: listOf(SignIn),
      }),
    )
