/** The resources of a facility. */
import { Elysia } from "elysia"
import type { App } from "../app.ts"
import { PageQuery } from "../page.ts"
import { createResource, listResources, Resource, ResourceInput } from "../resources.ts"
import { api } from "./base.ts"
import { describe, listOf } from "./describe.ts"
import { facilityIdOf } from "./path.ts"

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
      {
        detail: describe({
          tag: "Facilities",
          summary: "Create a resource: a court, a room, a lane",
          description: "For administrators of the facility.",
          body: ResourceInput,
          answer: Resource,
          status: 201,
          events: ["resource.created"],
        }),
      },
    )
    .get(
      "/v1/facilities/:facilityId/resources",
      async ({ caller, input, query, params }) => {
        const who = await caller()
        return listResources(app.db, who, facilityIdOf(params.facilityId), input(PageQuery, query))
      },
      {
        detail: describe({
          tag: "Facilities",
          summary: "List the resources of a facility, by name",
          query: PageQuery,
          answer: listOf(Resource),
        }),
      },
    )
