/** The figures of a facility, for its staff. */
import { Elysia } from "elysia"
import { requireStaff } from "#access/caller.ts"
import { FacilityFigures, FiguresQuery, readFigures } from "#domain/figures/read.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

export const figuresRoutes = (app: App) =>
  new Elysia({ name: "figures" }).use(api(app)).get(
    "/v1/facilities/:facilityId/figures",
    async ({ caller, input, query, params }) => {
      const staff = requireStaff(await caller(), facilityIdOf(params.facilityId))
      return readFigures(app.db, staff, input(FiguresQuery, query))
    },
    described({
      tag: "Figures",
      summary: "Read bookings, revenue, utilisation and no-shows",
      description:
        "By local day, resource and type of booking, for staff. The figures follow the events within seconds. Days are those of play; payments count on the day on which they were made.",
      query: FiguresQuery,
      answer: FacilityFigures,
    }),
  )
