/** Feedback of a coach on a student after a session: changed as a draft, published, and read. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { Feedback } from "#domain/coaching/feedback/answer.ts"
import { changeFeedback, getFeedback, listFeedback, publishFeedback } from "#domain/coaching/feedback/feedback.ts"
import { FeedbackChange, FeedbackQuery } from "#domain/coaching/feedback/input.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Feedback"

export const feedbackRoutes = (app: App) =>
  new Elysia({ name: "feedback" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/feedback",
      async ({ caller, input, query, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return listFeedback(app.db, member, input(FeedbackQuery, query))
      },
      described({
        tag,
        summary: "List feedback, the latest first",
        description:
          "Staff see all of it, coaches their own, students and the parents who may (`view_feedback`) what is published.",
        query: FeedbackQuery,
        answer: listOf(Feedback),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/feedback/:feedbackId",
      async ({ caller, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        return getFeedback(app.db, member, idOf(params.feedbackId, "feedback"))
      },
      described({ tag, summary: "Read feedback", description: "For those whose list shows it.", answer: Feedback }),
    )
    .patch(
      "/v1/facilities/:facilityId/feedback/:feedbackId",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const feedbackId = idOf(params.feedbackId, "feedback")
        const change = input(FeedbackChange, body)
        return command((tx) => changeFeedback(tx, member, feedbackId, change))
      },
      described({
        tag,
        summary: "Change a draft",
        description: "For the session's coach and administrators, until it is published.",
        body: FeedbackChange,
        bodySize: "large",
        answer: Feedback,
        problems: [409],
        audited: { action: "feedback.changed", by: "staff" },
      }),
    )
    .post(
      "/v1/facilities/:facilityId/feedback/:feedbackId/publish",
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const feedbackId = idOf(params.feedbackId, "feedback")
        input(NoInput, body)
        return command((tx) => publishFeedback(tx, member, feedbackId))
      },
      described({
        tag,
        summary: "Publish feedback",
        description:
          "For the session's coach and administrators, once. From then on the student sees it, and so do the parents with that permission. The assessed levels become the player's progress.",
        body: NoInput,
        answer: Feedback,
        events: ["feedback.published"],
        problems: [409],
        audited: { action: "feedback.published", by: "staff" },
      }),
    )
