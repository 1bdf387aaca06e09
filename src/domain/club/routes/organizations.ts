/** Organizations, which run facilities. */
import { Elysia } from "elysia"
import { PageQuery } from "#base/schema/page.ts"
import {
  createOrganization,
  findOrganization,
  listOrganizations,
  Organization,
  OrganizationInput,
} from "#domain/club/organizations.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Facilities"

export const organizationRoutes = (app: App) =>
  new Elysia({ name: "organizations" })
    .use(api(app))
    .post(
      "/v1/organizations",
      async ({ command, caller, input, body }) => {
        const who = await caller()
        const organization = input(OrganizationInput, body)
        return command((tx) => createOrganization(tx, who, organization), { status: 201 })
      },
      described({
        tag,
        summary: "Create an organization",
        description:
          "For platform administrators. The owner, when it is a person, gets the role facility_owner in it, and with it in " +
          "all its facilities.",
        body: OrganizationInput,
        answer: Organization,
        status: 201,
        events: ["user.role_assigned"],
        audited: { action: "organization.created", after: "answer" },
      }),
    )
    .get(
      "/v1/organizations",
      async ({ caller, input, query }) => listOrganizations(app.db, await caller(), input(PageQuery, query)),
      described({
        tag,
        summary: "List the organizations in which the caller holds a role",
        query: PageQuery,
        answer: listOf(Organization),
      }),
    )
    .get(
      "/v1/organizations/:id",
      async ({ caller, params }) => findOrganization(app.db, await caller(), idOf(params.id, "organization")),
      described({ tag, summary: "Read an organization", answer: Organization }),
    )
