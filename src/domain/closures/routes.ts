/**
 * Closures: when a facility, or some of its resources, cannot be booked. Also the changes of settings and resources,
 * because opening hours and a resource out of use strike bookings as a closure does.
 */
import { Elysia } from "elysia"
import { requireAdmin, requireMember } from "#access/caller.ts"
import { ClosureInput } from "#domain/club/closure-input.ts"
import { SettingsInput } from "#domain/club/facilities.ts"
import { ResourceChange } from "#domain/club/resources.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import {
  Closure,
  ClosureQuery,
  ClosureReport,
  createClosure,
  getClosure,
  listClosures,
  NewClosure,
  removeClosure,
} from "./closures.ts"
import { ChangedFacility, ChangedResource, changeResourceAndStrike, changeSettingsAndStrike } from "./struck.ts"

const tag = "Facilities"

export const closureRoutes = (app: App) =>
  new Elysia({ name: "closures" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/closures",
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const closure = input(ClosureInput, body)
        return command((tx) => createClosure(tx, admin, closure), { status: 201 })
      },
      described({
        tag,
        summary: "Close a facility, or some of its resources, for a time",
        description:
          "For administrators of the facility: two instants, or whole local days (a holiday is one). The answer holds what " +
          "is booked in this time; it stays, unless `cancelBookings` is true. Its bookers are told, and may cancel without loss.",
        body: ClosureInput,
        answer: NewClosure,
        status: 201,
        events: [
          "facility.closure.created",
          "booking.struck",
          "coach.block.struck",
          "booking.cancelled",
          "booking.hold.released",
          "coach.block.cancelled",
        ],
        audited: { action: "closure.created", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/closures",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listClosures(app.db, member, input(ClosureQuery, query))
      },
      described({ tag, summary: "List closures, by start", query: ClosureQuery, answer: listOf(Closure) }),
    )
    .get(
      "/v1/facilities/:facilityId/closures/:id",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getClosure(app.db, member, idOf(params.id, "closure"))
      },
      described({
        tag,
        summary: "Read a closure",
        description: "For staff with what is booked in its time now.",
        answer: ClosureReport,
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/closures/:id",
      async ({ command, caller, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "closure")
        return command((tx) => removeClosure(tx, admin, id))
      },
      described({
        tag,
        summary: "Take a closure back",
        description: "For administrators of the facility. Its time can be booked again.",
        events: ["facility.closure.removed"],
        audited: "closure.removed",
      }),
    )
    .patch(
      "/v1/facilities/:facilityId/settings",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        const settings = input(SettingsInput, body)
        return command((tx) => changeSettingsAndStrike(tx, who, facilityId, settings))
      },
      described({
        tag,
        summary: "Change settings of a facility",
        description:
          "For its administrators. Opening hours are replaced as a whole; the answer names the bookings that they strike. " +
          "A new currency is refused while prices, bookings or debts stand in the old one; `convertPricesAt` converts prices. " +
          "A new timezone is refused while bookings or series stand, unless `timezoneMoves` is given. The refusal counts them. " +
          "Without a difference nothing is recorded.",
        body: SettingsInput,
        answer: ChangedFacility,
        problems: [409],
        events: ["facility.settings_updated", "booking.struck", "coach.block.struck"],
        audited: "facility.settings_changed",
      }),
    )
    .patch(
      "/v1/facilities/:facilityId/resources/:id",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const [facilityId, id] = [facilityIdOf(params.facilityId), idOf(params.id, "resource")]
        const change = input(ResourceChange, body)
        return command((tx) => changeResourceAndStrike(tx, who, facilityId, id, change))
      },
      described({
        tag,
        summary: "Change a resource: its name, type, price, or whether it can be booked",
        description:
          "For administrators of the facility. What is booked stays as it is; the answer names the bookings of a resource out of use. Without a difference nothing is recorded.",
        body: ResourceChange,
        answer: ChangedResource,
        events: ["resource.updated", "booking.struck", "coach.block.struck"],
        audited: "resource.changed",
      }),
    )
