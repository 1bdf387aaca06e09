/** What the receiver of a webhook misses, and what a deletion of the webhook would discard. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { keyAfter, pageLimitOf, pageQuery } from "#base/schema/page.ts"
import { opaqueText } from "#base/schema/text-fields.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import {
  Continuity,
  HealedContinuity,
  healContinuity,
  readContinuity,
} from "#outbound/webhooks/deliveries/continuity.ts"
import { SequenceList } from "#outbound/webhooks/deliveries/sequence-ranges.ts"
import { Discarded, discardedBy } from "#outbound/webhooks/deliveries/unfinished.ts"
import { defaultReplayRate, RatePerSecond } from "#outbound/webhooks/replays/input.ts"

const tag = "Webhooks"
/** Missing numbers that one request sends again. */
const healedAtOnce = 200

const have = SequenceList.pipe(Schema.annotate({ description: "the numbers of X-SlotBase-Sequence that arrived" }))
const ContinuityQuery = Schema.Struct({ ...pageQuery, have })
const HealInput = Schema.Struct({
  have: SequenceList,
  after: Schema.optionalKey(opaqueText(0, 100)).annotateKey({ description: "the `next` of the request before" }),
  ratePerSecond: Schema.optionalKey(RatePerSecond),
})
const LastNumber = Schema.Tuple([Schema.Int])

export const continuityRoutes = (app: App) =>
  new Elysia({ name: "continuity" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/webhooks/:id/continuity",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const wanted = input(ContinuityQuery, query)
        const [after] = keyAfter(wanted, LastNumber) ?? []
        const page = { have: wanted.have, limit: pageLimitOf(wanted), after }
        return readContinuity(app.db, facilityId, idOf(params.id, "webhook"), page)
      },
      described({
        tag,
        summary: "Say which deliveries of a webhook did not arrive",
        description:
          "The numbers of X-SlotBase-Sequence are dense, from 1. What is sent again keeps its number; a test, or an " +
          "event that the webhook never got before, has 0.",
        query: ContinuityQuery,
        answer: Continuity,
      }),
    )
    .post(
      "/v1/facilities/:facilityId/webhooks/:id/continuity",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(who, facilityId)
        const id = idOf(params.id, "webhook")
        const { ratePerSecond: perSecond = defaultReplayRate, ...wanted } = input(HealInput, body)
        const [after] = keyAfter(wanted, LastNumber) ?? []
        const asked = { have: wanted.have, limit: healedAtOnce, after, perSecond }
        return command((tx) => healContinuity(tx, who, facilityId, id, asked))
      },
      described({
        tag,
        summary: "Send again what did not arrive",
        description: `At most ${healedAtOnce} numbers a request, the lowest first; \`next\` goes on.`,
        body: HealInput,
        answer: HealedContinuity,
        problems: [409],
        audited: "webhook.healed",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/webhooks/:id/deletion",
      async ({ caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return discardedBy(app.db, facilityId, idOf(params.id, "webhook"))
      },
      described({ tag, summary: "Say what the deletion of a webhook would discard", answer: Discarded }),
    )
