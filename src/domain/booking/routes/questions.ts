/** The club's own questions, which members answer when they book. */
import { Elysia } from "elysia"
import { requireAdmin, requireMember } from "#access/caller.ts"
import { BookingQuestions, getQuestions, putQuestions, QuestionsInput } from "#domain/booking/questions.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Facilities"

export const questionRoutes = (app: App) =>
  new Elysia({ name: "booking-questions" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/booking-questions",
      async ({ caller, params }) =>
        getQuestions(app.db, requireMember(await caller(), facilityIdOf(params.facilityId))),
      described({
        tag,
        summary: "Read the questions for bookings",
        description: "For every member. Members answer the required ones when they book.",
        answer: BookingQuestions,
      }),
    )
    .put(
      "/v1/facilities/:facilityId/booking-questions",
      async ({ command, caller, input, body, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const questions = input(QuestionsInput, body)
        return command((tx) => putQuestions(tx, admin, questions))
      },
      described({
        tag,
        summary: "Replace the questions for bookings",
        description:
          "For administrators. Existing bookings keep their answers, with the questions as they were worded.",
        body: QuestionsInput,
        bodySize: "large",
        answer: BookingQuestions,
        events: ["facility.settings_updated"],
        audited: "booking_questions.changed",
      }),
    )
