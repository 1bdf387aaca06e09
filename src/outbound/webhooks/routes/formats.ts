/** Tries of a webhook before it is relied on: a preview of its format, and a test event to its address. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates, scaled } from "#base/limits/table.ts"
import { Id } from "#base/schema/request-fields.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api } from "#http/route.ts"
import { readDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import { Delivery } from "#outbound/webhooks/deliveries/rows.ts"
import { prepareTest, sendTest } from "#outbound/webhooks/deliveries/test-delivery.ts"
import { beginTest, type TestDelivery } from "#outbound/webhooks/deliveries/test-rows.ts"
import { formatFields } from "#outbound/webhooks/formats/input.ts"
import { previewBody } from "#outbound/webhooks/formats/preview.ts"

const tag = "Webhooks"
const Type = Schema.Literals(facilityWebhookEvents)
const TestInput = Schema.Struct({
  type: Schema.optionalKey(Type).annotateKey({ description: "one of the webhook's events; the first unless given" }),
})
const PreviewInput = Schema.Struct({
  ...formatFields,
  type: Schema.optionalKey(Type).annotateKey({ description: "whose sample is taken; booking.confirmed unless given" }),
  eventId: Schema.optionalKey(Id).annotateKey({ description: "of an event of the facility, in place of a sample" }),
})
const Preview = Schema.Struct({
  contentType: Schema.String,
  headers: Schema.Record(Schema.String, Schema.String).annotate({ description: "those that belong to the format" }),
  body: Schema.String,
})

export const webhookTrialRoutes = (app: App) => {
  const tried = new RateLimiter(scaled(rates.webhookTest, app.config.requestsPerSecond))
  const { db, secrets, config } = app
  const tools = { db, secrets, environment: config.environment, allow: config.egressAllow }
  return new Elysia({ name: "webhook-trials" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/webhooks/body-preview",
      async ({ caller, input, body, params, set }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const wanted = input(PreviewInput, body)
        addStanding(set, tried.require(facilityId))
        return previewBody(db, facilityId, wanted)
      },
      described({
        tag,
        summary: "Show the body that a format makes",
        description: "Of a sample, or of a stored event. A bad template is refused with its line and column.",
        body: PreviewInput,
        bodySize: "large",
        answer: Preview,
      }),
    )
    .post(
      "/v1/facilities/:facilityId/webhooks/:id/test",
      async ({ command, caller, input, body, params, set }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const webhookId = idOf(params.id, "webhook")
        const { type } = input(TestInput, body)
        addStanding(set, tried.require(facilityId))
        let begun: { readonly test: TestDelivery; readonly attemptId: string } | undefined
        const { id } = await command(
          async (tx, test: TestDelivery) => {
            const ids = await beginTest(tx, test)
            begun = { test, attemptId: ids.attemptId }
            return { id: ids.id }
          },
          { before: () => prepareTest(tools, facilityId, webhookId, type) },
        )
        // A repeated request with its Idempotency-Key has begun nothing, and reads what became of the first.
        if (begun) await sendTest(tools, begun.test, begun.attemptId)
        return readDelivery(db, facilityId, id)
      },
      described({
        tag,
        summary: "Send a test event to a webhook, and wait for its answer",
        description:
          "The catalogue's sample, once, also to a webhook that is switched off. The request has the header " +
          "`X-SlotBase-Test: true`, and the event `metadata.test`. It is a delivery with the sequence and the position " +
          "0, and in no log. The answer has what the receiver answered, within 15 seconds.",
        body: TestInput,
        answer: Delivery,
        problems: [409],
        audited: "webhook.tested",
      }),
    )
}
