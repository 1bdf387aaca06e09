/** Signing in and out. */
import { Elysia } from "elysia"
import { countSignIn } from "#access/failed-sign-ins.ts"
import { type CheckedSignIn, checkPassword, endSession, openSession, Session, SignInInput } from "#access/sessions.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed } from "#base/errors.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates, scaled } from "#base/limits/table.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api, tokenOf } from "#http/route.ts"

export const sessionRoutes = (app: App) => {
  const begun = new RateLimiter(scaled(rates.signInBegun, app.config.requestsPerSecond))
  return new Elysia({ name: "sessions" })
    .use(api(app))
    .post(
      "/v1/sessions",
      ({ command, input, body, set, clientShare, request }) => {
        const credentials = input(SignInInput, body)
        const share = clientShare()
        const userAgent = request.headers.get("user-agent")
        const open = (tx: Tx, { user, passwordHash }: CheckedSignIn) =>
          openSession(tx, user, share, { passwordHash, userAgent })
        return command(open, {
          status: 201,
          open: true,
          secret: true,
          before: () => {
            begun.require(share)
            return countSignIn(checkPassword(app.db, credentials, share, (standing) => addStanding(set, standing)))
          },
        })
      },
      described({
        tag: "People",
        summary: "Sign in",
        description:
          "The token goes into `Authorization: Bearer <token>`. It lasts 30 days. After ten wrong tries at an account, an " +
          "address has one try in ten seconds (429 with `Retry-After`).",
        body: SignInInput,
        answer: Session,
        status: 201,
        open: true,
        problems: [401],
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
      described({
        audited: "session.ended",
        events: ["user.sessions_ended"],
        tag: "People",
        summary: "Sign out: the token opens nothing any more",
      }),
    )
}
