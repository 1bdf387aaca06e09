/** Facilities. Their settings are changed in `closures/routes.ts`, because that may strike bookings. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import {
  createFacility,
  Facility,
  FacilityInput,
  FacilityQuery,
  findFacility,
  listFacilities,
} from "#domain/club/facilities.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

export const facilityRoutes = (app: App) =>
  new Elysia({ name: "facilities" })
    .use(api(app))
    .post(
      "/v1/facilities",
      async ({ command, caller, input, body }) => {
        const who = await caller()
        const facility = input(FacilityInput, body)
        return command((tx) => createFacility(tx, who, facility), { status: 201 })
      },
      described({
        tag: "Facilities",
        summary: "Create a facility",
        description:
          "For platform administrators, and with an `organizationId` for the owners and administrators of that organization. " +
          "The owner, when it is a person, gets the role facility_owner there.",
        body: FacilityInput,
        answer: Facility,
        status: 201,
        events: ["facility.created"],
        audited: { action: "facility.created", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities",
      async ({ caller, input, query }) => listFacilities(app.db, await caller(), input(FacilityQuery, query)),
      described({
        tag: "Facilities",
        summary: "List the facilities in which the caller holds a role",
        query: FacilityQuery,
        answer: listOf(Facility),
      }),
    )
    .get(
      "/v1/facilities/:facilityId",
      async ({ caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireMember(await caller(), facilityId)
        return findFacility(app.db, facilityId)
      },
      described({ tag: "Facilities", summary: "Read a facility", answer: Facility }),
    )
