/** The deliveries to the webhooks of a facility, for its administrators and their API keys. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { keyAfter, pageLimitOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { listDeliveries, readDelivery, retryDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import { Delivery, deliveryStatuses } from "#outbound/webhooks/deliveries/rows.ts"

const tag = "Webhooks"
const DeliveryQuery = Schema.Struct({ ...pageQuery, status: Schema.optionalKey(Schema.Literals(deliveryStatuses)) })
const byEitherId = "By the id of the delivery, or of any of its attempts (X-SlotBase-Delivery-ID)."

export const deliveryRoutes = (app: App) =>
  new Elysia({ name: "deliveries" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/webhooks/:id/deliveries",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const wanted = input(DeliveryQuery, query)
        return listDeliveries(app.db, facilityId, idOf(params.id, "webhook"), {
          status: wanted.status,
          limit: pageLimitOf(wanted),
          after: keyAfter(wanted, Schema.Tuple([Id, Schema.Int])),
        })
      },
      described({
        tag,
        summary: "List the deliveries of a webhook, those of the newest events first",
        query: DeliveryQuery,
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
        description: `${byEitherId} One that has failed gets all its retries again, and its dead letter counts as reprocessed.`,
        answer: Delivery,
        problems: [409],
        audited: "delivery.retried",
      }),
    )
