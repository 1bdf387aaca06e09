/** Replays of webhooks: begun for a webhook, and followed in a facility or, by the platform, in all of them. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin, requirePlatformAdmin } from "#access/caller.ts"
import { keyAfter, pageLimitOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api, type RequestTools } from "#http/route.ts"
import { ReplayInput, ReplayPreview } from "#outbound/webhooks/replays/input.ts"
import {
  beginReplay,
  cancelReplay,
  pauseReplay,
  previewReplay,
  resumeReplay,
} from "#outbound/webhooks/replays/replays.ts"
import { listReplays, Replay, readReplay } from "#outbound/webhooks/replays/rows.ts"

const tag = "Webhooks"
const ReplayQuery = Schema.Struct({ ...pageQuery, webhookId: Schema.optionalKey(Id) })

export const replayRoutes = (app: App) =>
  new Elysia({ name: "replays" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/webhooks/:id/replays",
      async ({ command, caller, input, body, params, set }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(who, facilityId)
        const webhookId = idOf(params.id, "webhook")
        const wanted = input(ReplayInput, body)
        if (wanted.preview !== true)
          return command((tx) => beginReplay(tx, who, facilityId, webhookId, wanted), { status: 202 })
        set.status = 200
        return previewReplay(app.db, facilityId, webhookId, wanted)
      },
      described({
        tag,
        summary: "Send events to a webhook again",
        description:
          "With `preview` nothing is sent, and the answer is 200 with the counts. Otherwise it is 202 with the replay, " +
          "which works in the background. Each event is sent under its own id and, when the webhook got it before, its " +
          "own sequence number, with `X-SlotBase-Redelivery: true`. A delivery that has not ended is not sent again. " +
          "For a back-fill of a new webhook, `includeUnsubscribed` sends what its configuration matches.",
        body: ReplayInput,
        answer: Schema.Union([Replay, ReplayPreview]),
        status: 202,
        also: [200],
        problems: [409],
        audited: "webhook.replayed",
      }),
    )
    .get("/v1/facilities/:facilityId/replays", (context) => list(app, context), described(listing("of a facility")))
    .get("/v1/facilities/:facilityId/replays/:id", (context) => read(app, context), described(reading("a replay")))
    .post(
      "/v1/facilities/:facilityId/replays/:id/pause",
      (context) => decide(pauseReplay, context),
      described(pausing("")),
    )
    .post(
      "/v1/facilities/:facilityId/replays/:id/resume",
      (context) => decide(resumeReplay, context),
      described(resuming("")),
    )
    .post(
      "/v1/facilities/:facilityId/replays/:id/cancel",
      (context) => decide(cancelReplay, context),
      described(cancelling("")),
    )
    .get("/v1/replays", (context) => list(app, context), described(listing("of all facilities")))
    .get("/v1/replays/:id", (context) => read(app, context), described(reading("a replay of any facility")))
    .post("/v1/replays/:id/pause", (context) => decide(pauseReplay, context), described(pausing(anywhere)))
    .post("/v1/replays/:id/resume", (context) => decide(resumeReplay, context), described(resuming(anywhere)))
    .post("/v1/replays/:id/cancel", (context) => decide(cancelReplay, context), described(cancelling(anywhere)))

const anywhere = " of any facility"

/** The facility of the address; undefined: all of them, for the platform. */
async function facilityOf({ caller, params = {} }: Asked): Promise<string | undefined> {
  if (params.facilityId === undefined) {
    requirePlatformAdmin(await caller())
    return undefined
  }
  const facilityId = facilityIdOf(params.facilityId)
  requireAdmin(await caller(), facilityId)
  return facilityId
}

interface Asked extends Pick<RequestTools, "caller"> {
  /** Undefined for an address without ids. */
  readonly params?: { readonly facilityId?: string }
}

async function list(app: App, context: Asked & Pick<RequestTools, "input"> & { readonly query: unknown }) {
  const facilityId = await facilityOf(context)
  const query = context.input(ReplayQuery, context.query)
  const [before] = keyAfter(query, Schema.Tuple([Id])) ?? []
  return listReplays(app.db, facilityId, { webhookId: query.webhookId, limit: pageLimitOf(query), before })
}

async function read(app: App, context: Asked & { readonly params: { readonly id: string } }) {
  return readReplay(app.db, await facilityOf(context), idOf(context.params.id, "replay"))
}

async function decide(
  act: typeof pauseReplay,
  context: Asked & Pick<RequestTools, "command"> & { readonly params: { readonly id: string } },
) {
  const facilityId = await facilityOf(context)
  return context.command((tx) => act(tx, facilityId, idOf(context.params.id, "replay")))
}

function listing(of: string) {
  return {
    tag,
    summary: `List the replays ${of}, the newest first`,
    query: ReplayQuery,
    answer: listOf(Replay),
  } as const
}
function reading(what: string) {
  return { tag, summary: `Read ${what}, with its progress`, answer: Replay } as const
}
function pausing(of: string) {
  return {
    tag,
    summary: `Pause a replay${of}`,
    description: "What is in the queue and was not sent yet is withdrawn, and comes after the resume.",
    answer: Replay,
    problems: [409],
    audited: "replay.paused",
  } as const
}
function resuming(of: string) {
  return { tag, summary: `Resume a replay${of}`, answer: Replay, problems: [409], audited: "replay.resumed" } as const
}
function cancelling(of: string) {
  return {
    tag,
    summary: `Cancel a replay${of}`,
    description: "What was sent stays sent, and what is being tried goes on with its retries.",
    answer: Replay,
    problems: [409],
    audited: "replay.cancelled",
  } as const
}
