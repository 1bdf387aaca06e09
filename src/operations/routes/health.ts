/** GET /healthz: this process is alive. GET /readyz: the process can do its work, or the reasons why it cannot. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { notReady } from "#base/health.ts"
import { parts } from "#base/parts.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { problems, Ready } from "#http/problems.ts"

export const healthRoutes = (app: App) => {
  // No rate limits these questions, so all that come at once share one look at the database.
  let looking: Promise<readonly string[]> | undefined
  const look = () =>
    (looking ??= notReady(app.db).finally(() => {
      looking = undefined
    }))
  return new Elysia()
    .use(problems())
    .get(
      "/healthz",
      () => ({ status: "alive", parts: parts.list() }),
      described({ tag, summary: "Ask whether the process is alive", answer: Status, open: true, unlimited: true }),
    )
    .get(
      "/readyz",
      async () => {
        const reasons = await look()
        if (reasons.length > 0)
          throw new Ready({ status: 503, headers: { "retry-after": "1" }, body: problemOf(reasons) })
        return { status: "ready", parts: parts.list() }
      },
      described({
        tag,
        summary: "Ask whether it can do its work",
        answer: Status,
        open: true,
        unlimited: true,
        problems: [503],
      }),
    )
}

const tag = "Operations"
const Part = Schema.Struct({
  part: Schema.String,
  state: Schema.Literals(["well", "restarting", "ill"]),
  reason: Schema.optionalKey(Schema.String),
  code: Schema.optionalKey(Schema.String),
  restarts: Schema.Int,
})
const Status = Schema.Struct({ status: Schema.String, parts: Schema.Array(Part) })

const problemOf = (reasons: readonly string[]) => ({
  type: "urn:slotbase:problem:not_ready",
  title: "Not ready",
  status: 503,
  detail: reasons.join(" "),
  code: "not_ready",
  reasons,
  parts: parts.list(),
})
