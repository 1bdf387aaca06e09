/** Progress: a player's skills, assessed by coaches, and the history of their levels. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { Progress, ProgressHistory, ProgressInput, ProgressQuery } from "#domain/coaching/progress/answer.ts"
import { assessPlayer, readProgress } from "#domain/coaching/progress/progress.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Progress"

export const progressRoutes = (app: App) =>
  new Elysia({ name: "progress" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/players/:playerId/progress",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const playerId = idOf(params.playerId, "player")
        const assessment = input(ProgressInput, body)
        return command((tx) => assessPlayer(tx, member, playerId, assessment), { status: 201 })
      },
      described({
        tag,
        summary: "Assess a skill of a player",
        description:
          "For coaches and administrators of the facility. `improvementPercent` is of the level before; 0 for a first assessment.",
        body: ProgressInput,
        answer: Progress,
        status: 201,
        events: ["progress.updated"],
        problems: [409],
        audited: { action: "progress.assessed", by: "staff" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/players/:playerId/progress",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return readProgress(app.db, member, idOf(params.playerId, "player"), input(ProgressQuery, query))
      },
      described({
        tag,
        summary: "Read a player's progress, the latest first",
        description:
          "For the player, parents who may see their feedback, coaches and staff. `levels` has the present level of each skill.",
        query: ProgressQuery,
        answer: ProgressHistory,
      }),
    )
