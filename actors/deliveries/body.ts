/**
 * The body of a delivery in a format other than the default. It is made once, kept, and sent byte for byte on every
 * attempt. A body that could not be made is not kept: the next attempt makes it from the present template.
 */
import type { Db } from "#base/database/db.ts"
import type { MadeBody } from "#outbound/webhooks/formats/format.ts"
import { keepBody, sentBefore } from "#outbound/webhooks/formats/kept-bodies.ts"
import { makeBody } from "#outbound/webhooks/formats/make-body.ts"
import type { ClaimedDelivery } from "./delivery.ts"

/** Answers undefined when the body is the event's own text. @throws BodyNotMade */
export const bodyOfDelivery =
  (db: Db) =>
  async (delivery: ClaimedDelivery, text: string): Promise<MadeBody | undefined> => {
    const { webhook, position } = delivery
    const { facility_name, timezone, format_changed_at } = webhook
    const [eventId, replay] = [delivery.event_id, delivery.replay]
    const key = { webhookId: webhook.id, eventId, replay, facilityId: webhook.facility_id }
    const before = delivery.fresh ? undefined : await sentBefore(db, key, position, format_changed_at)
    if (before !== undefined) return before === "plain" ? undefined : before
    if (webhook.format === "slotbase") return undefined
    const facility = { id: webhook.facility_id, name: facility_name ?? "", timezone: timezone ?? "UTC" }
    const made = await makeBody(text, webhook, facility)
    return keepBody(db, key, made, { eventType: delivery.event?.type ?? "" })
  }
