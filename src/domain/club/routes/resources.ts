/** The resources of a facility. They are changed in `closures/routes.ts`, because that may strike bookings. */
import { Elysia } from "elysia"
import {
  createResource,
  findResource,
  listResources,
  Resource,
  ResourceInput,
  ResourceQuery,
} from "#domain/club/resources.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Facilities"

export const resourceRoutes = (app: App) =>
  new Elysia({ name: "resources" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/resources",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        const resource = input(ResourceInput, body)
        return command((tx) => createResource(tx, who, facilityId, resource), { status: 201 })
      },
      described({
        tag,
        summary: "Create a resource: a court, a room, a lane",
        description: "For administrators of the facility.",
        body: ResourceInput,
        answer: Resource,
        status: 201,
        events: ["resource.created"],
        audited: { action: "resource.created", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/resources",
      async ({ caller, input, query, params }) => {
        const who = await caller()
        return listResources(app.db, who, facilityIdOf(params.facilityId), input(ResourceQuery, query))
      },
      described({
        tag,
        summary: "List the resources of a facility, by name",
        query: ResourceQuery,
        answer: listOf(Resource),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/resources/:id",
      async ({ caller, params }) => {
        const who = await caller()
        return findResource(app.db, who, facilityIdOf(params.facilityId), idOf(params.id, "resource"))
      },
      described({ tag, summary: "Read a resource", answer: Resource }),
    )
