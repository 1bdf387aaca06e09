/** Dead letters: for the administrators of a facility, and for the platform across facilities. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin, requirePlatformAdmin } from "#access/caller.ts"
import { NotFound } from "#base/errors.ts"
import { isId } from "#base/ids.ts"
import { pageLimitOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import { lineUpTo, opaqueText } from "#base/schema/text-fields.ts"
import { DomainEvent } from "#events/envelope.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api, type RequestTools } from "#http/route.ts"
import { Replay } from "#outbound/webhooks/replays/rows.ts"
import { type DeadLetterEntry, ignore, listDeadLetters, reprocess, resolveByHand } from "./dead-letters.ts"
import { beginReprocess } from "./reprocess-batch.ts"
import { previewReprocess, ReprocessInput, ReprocessPreview, selectionOf } from "./selected.ts"

export const deadLetterRoutes = (app: App) =>
  new Elysia()
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/dead-letters",
      async ({ caller, input, query, params: { facilityId } }) => {
        requireAdmin(await caller(), idOf("facility", facilityId))
        return listDeadLetters(app.db, { facilityId, ...queryOf(input(DeadLetterQuery, query)) })
      },
      described({ ...list, summary: "List the dead letters of a facility" }),
    )
    .post(
      "/v1/facilities/:facilityId/dead-letters/:id/reprocess",
      (context) => decide(reprocess, context),
      described({ audited: "dead_letter.reprocessed", ...decision, summary: "Put a dead letter back to work" }),
    )
    .post(
      "/v1/facilities/:facilityId/dead-letters/:id/ignore",
      (context) => decide(ignore, context),
      described({ audited: "dead_letter.ignored", ...decision, summary: "Ignore a dead letter" }),
    )
    .post(
      "/v1/facilities/:facilityId/dead-letters/:id/resolve",
      (context) => decide(resolveByHand, context),
      described({ audited: "dead_letter.resolved", ...decision, summary: "Mark a dead letter as resolved by hand" }),
    )
    .post(
      "/v1/facilities/:facilityId/dead-letters/reprocess",
      (context) => reprocessMany(app, context),
      described({ ...many, summary: "Put the dead letters of a cause back to work" }),
    )
    .post(
      "/v1/dead-letters/reprocess",
      (context) => reprocessMany(app, context),
      described({ ...many, summary: "Put the dead letters of a cause back to work, in all facilities" }),
    )
    .get(
      "/v1/dead-letters",
      async ({ caller, input, query }) => {
        requirePlatformAdmin(await caller())
        return listDeadLetters(app.db, queryOf(input(DeadLetterQuery, query)))
      },
      described({ ...list, summary: "List the dead letters of all facilities" }),
    )
    .post(
      "/v1/dead-letters/:id/reprocess",
      (context) => decide(reprocess, context),
      described({
        audited: "dead_letter.reprocessed",
        ...decision,
        summary: "Put a dead letter of any facility back to work",
      }),
    )
    .post(
      "/v1/dead-letters/:id/ignore",
      (context) => decide(ignore, context),
      described({ audited: "dead_letter.ignored", ...decision, summary: "Ignore a dead letter of any facility" }),
    )
    .post(
      "/v1/dead-letters/:id/resolve",
      (context) => decide(resolveByHand, context),
      described({
        audited: "dead_letter.resolved",
        ...decision,
        summary: "Mark a dead letter of any facility as resolved by hand",
      }),
    )

async function decide(
  act: typeof reprocess,
  { caller, command, params: { facilityId, id } }: Deciding,
): Promise<DeadLetterEntry> {
  const deciding = await caller()
  if (facilityId === undefined) requirePlatformAdmin(deciding)
  else requireAdmin(deciding, idOf("facility", facilityId))
  return command((tx) => act(tx, deciding, idOf("dead letter", id), facilityId))
}

interface Deciding extends Pick<RequestTools, "caller" | "command"> {
  readonly params: { readonly id: string; readonly facilityId?: string }
}

async function reprocessMany(app: App, { caller, command, input, body, params = {}, set }: DecidingMany) {
  const deciding = await caller()
  const of = params.facilityId === undefined ? undefined : facilityIdOf(params.facilityId)
  if (of === undefined) requirePlatformAdmin(deciding)
  else requireAdmin(deciding, of)
  const wanted = input(ReprocessInput, body)
  if (wanted.preview !== true) return command((tx) => beginReprocess(tx, deciding, of, wanted), { status: 202 })
  set.status = 200
  return previewReprocess(app.db, selectionOf(of, wanted))
}

interface DecidingMany extends Pick<RequestTools, "caller" | "command" | "input"> {
  readonly body: unknown
  /** Undefined for an address without ids. */
  readonly params?: { readonly facilityId?: string }
  readonly set: { status?: number | string }
}

const tag = "Dead letters"

const DeadLetterQuery = Schema.Struct({
  ...pageQuery,
  after: Schema.optionalKey(Id.annotate({ description: "the `next` of the page before" })),
  resolved: Schema.optionalKey(Schema.Literals(["true", "false"])),
  handler: Schema.optionalKey(opaqueText(0, 200)),
  webhookId: Schema.optionalKey(Id),
  cause: Schema.optionalKey(lineUpTo(100).annotate({ description: "the code of the last error" })),
})

const queryOf = (query: typeof DeadLetterQuery.Type) => ({
  limit: pageLimitOf(query),
  after: query.after,
  handler: query.handler,
  webhookId: query.webhookId,
  cause: query.cause,
  resolved: query.resolved === undefined ? undefined : query.resolved === "true",
})

const EventProcessingError = Schema.Struct({
  eventId: Schema.String,
  eventType: Schema.String,
  handlerName: Schema.String,
  error: Schema.Struct({ message: Schema.String, code: Schema.String, stack: Schema.optionalKey(Schema.String) }),
  attemptCount: Schema.Int,
  maxRetries: Schema.Int,
  nextRetryAt: Schema.optionalKey(Schema.String),
  status: Schema.Literals(["retrying", "failed", "dead_letter"]),
})

const Entry = Schema.Struct({
  id: Schema.String,
  eventId: Schema.String,
  handler: Schema.optionalKey(Schema.String),
  webhookId: Schema.optionalKey(Schema.String),
  deliveryId: Schema.optionalKey(Schema.String),
  event: DomainEvent,
  errors: Schema.Array(EventProcessingError),
  createdAt: Schema.String,
  lastAttemptAt: Schema.String,
  action: Schema.optionalKey(Schema.String).annotateKey({
    description: "what to do about it; left out once it is resolved",
  }),
  resolvedAt: Schema.optionalKey(Schema.String),
  resolvedBy: Schema.optionalKey(Schema.String),
  resolution: Schema.optionalKey(Schema.Literals(["reprocessed", "ignored", "manual"])),
})

const list = { tag, query: DeadLetterQuery, answer: listOf(Entry) } as const
const many = {
  tag,
  description:
    "Only open ones whose last attempt was before the request. With `preview` nothing is put back, and the answer is " +
    "200 with the counts by cause. Otherwise it is 202 with a replay, which can be followed, paused and cancelled.",
  body: ReprocessInput,
  answer: Schema.Union([Replay, ReprocessPreview]),
  status: 202,
  also: [200],
  problems: [409],
  audited: "dead_letter.reprocess_begun",
} as const
const decision = { tag, answer: Entry, problems: [409] } as const

function idOf(what: string, text: string): string {
  if (!isId(text)) throw new NotFound(what, text)
  return text.toLowerCase()
}
