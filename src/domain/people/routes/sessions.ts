/** Signing in and out. */
import { Elysia } from "elysia"
import { countSignIn } from "#access/failed-sign-ins.ts"
import { checkPassword, endSession, openSession, Session, SignInInput } from "#access/sessions.ts"
import { NotAllowed } from "#base/errors.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { api, tokenOf } from "#http/route.ts"

export const sessionRoutes = (app: App) =>
  new Elysia({ name: "sessions" })
    .use(api(app))
    .post(
      "/v1/sessions",
      ({ command, input, body, clientIp }) => {
        const credentials = input(SignInInput, body)
        return command((tx, user: Session["user"]) => openSession(tx, user), {
          status: 201,
          open: true,
          secret: true,
          before: () => countSignIn(checkPassword(app.db, credentials, clientIp() ?? "")),
        })
      },
      described({
        tag: "People",
        summary: "Sign in",
        description: "The token goes into `Authorization: Bearer <token>`. It lasts 30 days.",
        body: SignInInput,
        answer: Session,
        status: 201,
        open: true,
        problems: [401, 429],
        audited: "session.created",
      }),
    )
    .delete(
      "/v1/sessions",
      async ({ command, caller, request }) => {
        const { kind } = await caller()
        if (kind !== "person") throw new NotAllowed("A key is revoked, not signed out.")
        return command((tx) => endSession(tx, tokenOf(request)))
      },
      described({ audited: "session.ended", tag: "People", summary: "Sign out: the token opens nothing any more" }),
    )
