/** The coaches of a facility and their profiles. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { PageQuery } from "#base/schema/page.ts"
import { Coach, CoachInput, getCoach, listCoaches, putProfile } from "#domain/coaching/coaches.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Coaches"

export const coachRoutes = (app: App) =>
  new Elysia({ name: "coaches" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/coaches",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listCoaches(app.db, member, input(PageQuery, query))
      },
      described({
        tag,
        summary: "List the coaches of a facility, by name",
        description: "For members: everybody who holds the role coach, with or without a profile.",
        query: PageQuery,
        answer: listOf(Coach),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/coaches/:userId",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getCoach(app.db, member, idOf(params.userId, "coach"))
      },
      described({ tag, summary: "Read a coach", description: "For members.", answer: Coach }),
    )
    .put(
      "/v1/facilities/:facilityId/coaches/:userId",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const userId = idOf(params.userId, "coach")
        const profile = input(CoachInput, body)
        return command((tx) => putProfile(tx, member, userId, profile))
      },
      described({
        tag,
        summary: "Write a coach's profile",
        description: "The coach themself or an administrator; the person must hold the role coach.",
        body: CoachInput,
        answer: Coach,
        audited: "coach_profile.changed",
      }),
    )
