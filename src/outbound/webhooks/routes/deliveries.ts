/** The deliveries to the webhooks of a facility, for its administrators and their API keys. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { keyAfter, pageLimitOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant, wholeNumberText } from "#base/schema/request-fields.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { readDelivery, retryDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import { type DeliveryQuery, listDeliveries } from "#outbound/webhooks/deliveries/list.ts"
import { Delivery, deliveryStatuses } from "#outbound/webhooks/deliveries/rows.ts"

const tag = "Webhooks"
const { webhookId, ...ofWebhook } = {
  status: Schema.optionalKey(Schema.Literals(deliveryStatuses)),
  eventId: Schema.optionalKey(Id),
  type: Schema.optionalKey(lineUpTo(100).annotate({ description: "of the event" })),
  since: Schema.optionalKey(Instant.annotate({ description: "of events recorded from then on" })),
  until: Schema.optionalKey(Instant.annotate({ description: "of events recorded before" })),
  responseStatus: Schema.optionalKey(
    wholeNumberText(100, 999).annotate({
      description: "HTTP status of the last attempt; receivers send any three digits",
    }),
  ),
  replay: Schema.optionalKey(
    Schema.Literals(["true", "false"]).annotate({ description: "sent again by hand or by a replay, or not" }),
  ),
  webhookId: Schema.optionalKey(Id),
}
const WebhookDeliveryQuery = Schema.Struct({ ...pageQuery, ...ofWebhook })
const FacilityDeliveryQuery = Schema.Struct({ ...pageQuery, ...ofWebhook, webhookId })
const shortPages =
  "A page looks at no more than 2,000 deliveries of a webhook. A filter that few of them match gives short pages, also " +
  "empty ones: go on while there is a `next`."
const byEitherId = "By the id of the delivery, or of any of its attempts (X-SlotBase-Delivery-ID)."

export const deliveryRoutes = (app: App) =>
  new Elysia({ name: "deliveries" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/webhooks/:id/deliveries",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const wanted = queryOf(input(WebhookDeliveryQuery, query))
        return listDeliveries(app.db, facilityId, { ...wanted, webhookId: idOf(params.id, "webhook") })
      },
      described({
        tag,
        summary: "List the deliveries of a webhook, those of the newest events first",
        description: shortPages,
        query: WebhookDeliveryQuery,
        answer: listOf(Delivery),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/deliveries",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return listDeliveries(app.db, facilityId, queryOf(input(FacilityDeliveryQuery, query)))
      },
      described({
        tag,
        summary: "List the deliveries to all webhooks of a facility, those of the newest events first",
        description: shortPages,
        query: FacilityDeliveryQuery,
        answer: listOf(Delivery),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/deliveries/:id",
      async ({ caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return readDelivery(app.db, facilityId, idOf(params.id, "delivery"))
      },
      described({
        tag,
        summary: "Read a delivery with its attempts",
        description: byEitherId,
        answer: Delivery,
      }),
    )
    .post(
      "/v1/facilities/:facilityId/deliveries/:id/retry",
      async ({ command, caller, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(who, facilityId)
        return command((tx) => retryDelivery(tx, who, facilityId, idOf(params.id, "delivery")))
      },
      described({
        tag,
        summary: "Send a delivery again now",
        description:
          `${byEitherId} One that has failed gets all its retries again, and its dead letter counts as reprocessed. ` +
          "One that was delivered is sent as a new delivery of the same event, which is the answer. It has " +
          "X-SlotBase-Redelivery, the sequence number of the first one, and retries of its own.",
        answer: Delivery,
        problems: [409],
        audited: "delivery.retried",
      }),
    )

const queryOf = (wanted: typeof FacilityDeliveryQuery.Type): DeliveryQuery => ({
  ...wanted,
  responseStatus: wanted.responseStatus === undefined ? undefined : Number(wanted.responseStatus),
  isResend: wanted.replay === undefined ? undefined : wanted.replay === "true",
  limit: pageLimitOf(wanted),
  after: keyAfter(wanted, Schema.Tuple([Id, Schema.Int, Id])),
})
