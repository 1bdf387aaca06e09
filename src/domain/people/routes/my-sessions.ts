/** One's own sessions: where one is signed in, and how to end that. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { listOpenSessions, OpenSession } from "#access/sessions.ts"
import { PageQuery } from "#base/schema/page.ts"
import { requirePerson } from "#domain/people/accounts/names.ts"
import { endOneSession, endOtherSessions } from "#domain/people/accounts/sessions.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { idOf } from "#http/path.ts"
import { api, tokenOf } from "#http/route.ts"

const tag = "Accounts"

export const mySessionRoutes = (app: App) =>
  new Elysia({ name: "my-sessions" })
    .use(api(app))
    .get(
      "/v1/me/sessions",
      async ({ caller, input, query, request }) => {
        const who = await caller()
        requirePerson(who)
        return listOpenSessions(app.db, who, tokenOf(request), input(PageQuery, query))
      },
      described({
        tag,
        summary: "List where one is signed in",
        description: "The newest first. No answer shows a token.",
        query: PageQuery,
        answer: listOf(OpenSession),
      }),
    )
    .delete(
      "/v1/me/sessions",
      async ({ command, caller, request }) => {
        const who = await caller()
        requirePerson(who)
        return command((tx) => endOtherSessions(tx, who, tokenOf(request)))
      },
      described({
        tag,
        summary: "Sign out everywhere else",
        description: "The session of the request stays. Live channels of the others close within a second.",
        answer: SessionsEnded,
        events: ["user.sessions_ended"],
        audited: "sessions.ended",
      }),
    )
    .delete(
      "/v1/me/sessions/:id",
      async ({ command, caller, params }) => {
        const who = await caller()
        requirePerson(who)
        const id = idOf(params.id, "session")
        return command((tx) => endOneSession(tx, who, id))
      },
      described({
        tag,
        summary: "End one session",
        description: "The present one too: its token opens nothing any more.",
        events: ["user.sessions_ended"],
        audited: "session.ended",
      }),
    )

const SessionsEnded = Schema.Struct({ sessionsEnded: Schema.Int })
