/** The webhooks of a facility, for its administrators and their API keys. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { checkUrl } from "#base/egress/fetch.ts"
import { keyAfter, PageQuery, pageLimitOf } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { listWebhookVersions, WebhookVersion } from "#outbound/webhooks/changes.ts"
import { checkChangedFormat, checkFormat } from "#outbound/webhooks/formats/preview.ts"
import { RotateInput, SelectionInput, WebhookInput, WebhookPatch } from "#outbound/webhooks/input.ts"
import { previewSelection, SelectionPreview } from "#outbound/webhooks/preview.ts"
import { Webhook } from "#outbound/webhooks/rows.ts"
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  listWebhooks,
  readWebhook,
  rotateSecret,
} from "#outbound/webhooks/webhooks.ts"

const tag = "Webhooks"
const secretShown = "A signing secret that SlotBase makes is shown in this answer and never again."
const reachable =
  "The url must be https and lead to public addresses; addresses in SLOTBASE_EGRESS_ALLOW may also use plain http."

export const webhookRoutes = (app: App) =>
  new Elysia({ name: "webhooks" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/webhooks",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(who, facilityId)
        const webhook = input(WebhookInput, body)
        return command((tx) => createWebhook(tx, app.secrets, who, facilityId, webhook), {
          status: 201,
          secret: true,
          before: async () => {
            await checkUrl(webhook.url, app.config.egressAllow)
            await checkFormat(app.db, facilityId, webhook, webhook.events)
          },
        })
      },
      described({
        tag,
        summary: "Create a webhook",
        description: `${reachable} ${secretShown}`,
        body: WebhookInput,
        bodySize: "large",
        answer: Webhook,
        status: 201,
        audited: { action: "webhook.created", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/webhooks",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const page = input(PageQuery, query)
        const [afterId] = keyAfter(page, Schema.Tuple([Id])) ?? []
        return listWebhooks(app.db, facilityId, { limit: pageLimitOf(page), afterId })
      },
      described({
        tag,
        summary: "List the webhooks of a facility",
        query: PageQuery,
        answer: listOf(Webhook),
      }),
    )
    .get(
      "/v1/facilities/:facilityId/webhooks/:id",
      async ({ caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return readWebhook(app.db, facilityId, idOf(params.id, "webhook"))
      },
      described({ tag, summary: "Read a webhook", answer: Webhook }),
    )
    .patch(
      "/v1/facilities/:facilityId/webhooks/:id",
      async ({ command, caller, input, body, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const id = idOf(params.id, "webhook")
        const patch = input(WebhookPatch, body)
        const { url } = patch
        return command((tx) => changeWebhook(tx, app.secrets, facilityId, id, patch), {
          secret: true,
          before: async () => {
            if (url !== undefined) await checkUrl(url, app.config.egressAllow)
            await checkChangedFormat(app.db, facilityId, id, patch)
          },
        })
      },
      described({
        tag,
        summary: "Change a webhook",
        description:
          "Only what is given changes. While isActive is false its deliveries accumulate, and are sent when it is true " +
          `again. ${reachable} ${secretShown}`,
        body: WebhookPatch,
        bodySize: "large",
        answer: Webhook,
        audited: "webhook.changed",
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/webhooks/:id",
      async ({ command, caller, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(who, facilityId)
        return command((tx) => deleteWebhook(tx, who, facilityId, idOf(params.id, "webhook")))
      },
      described({
        tag,
        summary: "Delete a webhook",
        description:
          "Its unfinished deliveries end as failed, each with a dead letter that counts as ignored. " +
          "`GET …/webhooks/{id}/deletion` counts them before, and the audit trail keeps the number.",
        audited: "webhook.deleted",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/webhooks/:id/pause",
      async ({ command, caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const id = idOf(params.id, "webhook")
        return command((tx) => changeWebhook(tx, app.secrets, facilityId, id, { isActive: false }))
      },
      described({
        tag,
        summary: "Pause a webhook",
        description: "Its deliveries accumulate until it is resumed. A paused one stays paused.",
        answer: Webhook,
        audited: "webhook.paused",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/webhooks/:id/resume",
      async ({ command, caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const id = idOf(params.id, "webhook")
        return command((tx) => changeWebhook(tx, app.secrets, facilityId, id, { isActive: true }))
      },
      described({
        tag,
        summary: "Resume a webhook",
        description: "Also one that SlotBase switched off after a 410. What has accumulated is sent, the oldest first.",
        answer: Webhook,
        audited: "webhook.resumed",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/webhooks/:id/rotate-secret",
      async ({ command, caller, input, body, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const id = idOf(params.id, "webhook")
        const rotation = input(RotateInput, body)
        return command((tx) => rotateSecret(tx, app.secrets, facilityId, id, rotation), { secret: true })
      },
      described({
        tag,
        summary: "Rotate the signing secret of a webhook",
        description:
          "Until the overlap has ended, both secrets sign. `X-SlotBase-Signature` is under the old one, " +
          "`X-SlotBase-Signature-Next` under the new one, and `webhook-signature` has both. Then the old one signs " +
          `nothing. ${secretShown}`,
        body: RotateInput,
        answer: Webhook,
        problems: [409],
        audited: "webhook.secret_rotated",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/webhooks/:id/versions",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const page = input(PageQuery, query)
        const [below] = keyAfter(page, Schema.Tuple([Schema.Int])) ?? []
        return listWebhookVersions(app.db, facilityId, idOf(params.id, "webhook"), { limit: pageLimitOf(page), below })
      },
      described({
        tag,
        summary: "List the versions of a webhook's configuration, the newest first",
        description: "The newest 500 are kept. No version contains a secret.",
        query: PageQuery,
        answer: listOf(WebhookVersion),
      }),
    )
    .post(
      "/v1/facilities/:facilityId/webhooks/preview",
      async ({ caller, input, body, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return previewSelection(app.db, facilityId, input(SelectionInput, body))
      },
      described({
        tag,
        summary: "Preview what events and filters would have matched in the last 30 days",
        description: "Nothing is saved. What saving would refuse is refused here too.",
        body: SelectionInput,
        bodySize: "large",
        answer: SelectionPreview,
      }),
    )
