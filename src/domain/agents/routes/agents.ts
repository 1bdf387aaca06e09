/** Agents: what a facility lets them do, what left the system, what they say, and what a person decides about it. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { NoInput } from "#base/schema/no-input.ts"
import { PageQuery } from "#base/schema/page.ts"
import { AgentCall, listAgentCalls } from "#domain/agents/calls/list.ts"
import {
  approveSuggestion,
  listSuggestions,
  rejectSuggestion,
  Suggestion,
  SuggestionApproval,
} from "#domain/agents/feedback/decide.ts"
import {
  AgentDecision,
  AgentReport,
  AgentReportQuery,
  decideReport,
  listAgentReports,
} from "#domain/agents/reports/decide.ts"
import { AgentSettings, AgentStanding, changeAgentSettings, readAgentSettings } from "#domain/agents/settings.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

const tag = "Agents"
const f = "/v1/facilities/:facilityId"
const suggestion = `${f}/feedback-suggestions/:id`

export const agentRoutes = (app: App) =>
  new Elysia({ name: "agents" })
    .use(api(app))
    .get(
      `${f}/agent-settings`,
      async ({ caller, params }) => readAgentSettings(app.db, await caller(), facilityIdOf(params.facilityId)),
      described({
        tag,
        summary: "Read what agents may do, and what they used this month",
        description: "For staff.",
        answer: AgentStanding,
      }),
    )
    .put(
      `${f}/agent-settings`,
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        const settings = input(AgentSettings, body)
        return command((tx) => changeAgentSettings(tx, who, facilityId, settings))
      },
      described({
        tag,
        summary: "Say what agents may do",
        description:
          "For administrators. Without a configured service nothing leaves the system, whatever is set here.",
        body: AgentSettings,
        answer: AgentStanding,
        events: ["facility.settings_updated"],
        audited: "agent_settings.changed",
      }),
    )
    .get(
      `${f}/agent-calls`,
      async ({ caller, input, query, params }) =>
        listAgentCalls(app.db, await caller(), facilityIdOf(params.facilityId), input(PageQuery, query)),
      described({
        tag,
        summary: "List what left the system for services outside",
        description: "The latest first, for administrators: when, to which service, about what, and what it used.",
        query: PageQuery,
        answer: listOf(AgentCall),
      }),
    )
    .get(
      `${f}/agent-reports`,
      async ({ caller, input, query, params }) =>
        listAgentReports(
          app.db,
          requireMember(await caller(), facilityIdOf(params.facilityId)),
          input(AgentReportQuery, query),
        ),
      described({
        tag,
        summary: "List what agents say",
        description: "The latest first, for staff: strikes with a proposal, and what was odd on a day.",
        query: AgentReportQuery,
        answer: listOf(AgentReport),
      }),
    )
    .post(
      `${f}/agent-reports/:id/decide`,
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "agent report")
        const decision = input(AgentDecision, body)
        return command((tx) => decideReport(tx, member, id, decision))
      },
      described({
        tag,
        summary: "Decide about a proposal",
        description: "For staff, once. To accept the proposal to waive takes the strike back.",
        body: AgentDecision,
        answer: AgentReport,
        events: ["booking.no_show.waived"],
        problems: [409],
        audited: "agent_report.decided",
      }),
    )
    .get(
      `${f}/feedback/:feedbackId/suggestions`,
      async ({ caller, params }) =>
        listSuggestions(
          app.db,
          requireMember(await caller(), facilityIdOf(params.facilityId)),
          idOf(params.feedbackId, "feedback"),
        ),
      described({
        tag,
        summary: "List what is suggested for feedback",
        description: "The latest first, for the session's coach and administrators. Each says how it was made.",
        answer: listOf(Suggestion),
      }),
    )
    .post(
      `${suggestion}/approve`,
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "suggestion")
        const own = input(SuggestionApproval, body)
        return command((tx) => approveSuggestion(tx, member, id, own))
      },
      described({
        tag,
        summary: "Approve a suggestion",
        description:
          "For the session's coach and administrators. Its words, or those of the body, replace those of the draft. Both are kept. Publishing is an act of its own.",
        body: SuggestionApproval,
        bodySize: "large",
        answer: Suggestion,
        problems: [409],
        audited: "feedback_suggestion.approved",
      }),
    )
    .post(
      `${suggestion}/reject`,
      async ({ command, caller, input, body, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const id = idOf(params.id, "suggestion")
        input(NoInput, body)
        return command((tx) => rejectSuggestion(tx, member, id))
      },
      described({
        tag,
        summary: "Reject a suggestion",
        description: "For the session's coach and administrators. The draft stays as it is.",
        body: NoInput,
        answer: Suggestion,
        problems: [409],
        audited: "feedback_suggestion.rejected",
      }),
    )
