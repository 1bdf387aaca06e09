/** REST hooks: programs such as Zapier and Make subscribe and unsubscribe by themselves, with an API key. */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { checkUrl } from "#base/egress/fetch.ts"
import { keyAfter, pageLimitOf, pageQuery } from "#base/schema/page.ts"
import { Id } from "#base/schema/request-fields.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { ZapierPayload } from "#outbound/webhooks/formats/zapier.ts"
import { HookSubscription, hookStates } from "./answer.ts"
import { addressOfHook, HookInput } from "./input.ts"
import { readHookSamples } from "./samples.ts"
import { listHooks, subscribeHook, unsubscribeHook } from "./subscriptions.ts"

const tag = "Webhooks"
const HookQuery = Schema.Struct({
  ...pageQuery,
  state: Schema.optionalKey(Schema.Literals(hookStates).annotate({ description: "active unless given" })),
})

export const hookRoutes = (app: App) =>
  new Elysia({ name: "hooks" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/hooks/subscriptions",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(who, facilityId)
        const hook = input(HookInput, body)
        const { url, name } = addressOfHook(hook)
        return command((tx) => subscribeHook(tx, app.secrets, who, facilityId, hook), {
          status: 201,
          before: () => checkUrl(url, app.config.egressAllow, `body.${name}`),
        })
      },
      described({
        tag,
        summary: "Subscribe an address to a type of event (REST hook)",
        description:
          "For Zapier, Make and their like. The subscription is a webhook whose requests have the format `zapier`. " +
          "A receiver that answers 410 is unsubscribed.",
        body: HookInput,
        bodySize: "large",
        answer: HookSubscription,
        status: 201,
        problems: [409],
        audited: { action: "hook_subscription.created", after: "answer" },
      }),
    )
    .get(
      "/v1/facilities/:facilityId/hooks/subscriptions",
      async ({ caller, input, query, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        const page = input(HookQuery, query)
        const [afterId] = keyAfter(page, Schema.Tuple([Id])) ?? []
        return listHooks(app.db, facilityId, { limit: pageLimitOf(page), afterId, state: page.state ?? "active" })
      },
      described({
        tag,
        summary: "List the subscriptions of REST hooks",
        description: "An ended subscription says who ended it, and what was not sent any more.",
        query: HookQuery,
        answer: listOf(HookSubscription),
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/hooks/subscriptions/:id",
      async ({ command, caller, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(who, facilityId)
        return command((tx) => unsubscribeHook(tx, who, facilityId, idOf(params.id, "subscription")))
      },
      described({
        tag,
        summary: "Unsubscribe a REST hook",
        description: "Its unfinished deliveries end as failed, each with a dead letter that counts as ignored.",
        audited: "hook_subscription.ended",
      }),
    )
    .get(
      "/v1/facilities/:facilityId/hooks/samples/:type",
      async ({ caller, params }) => {
        const facilityId = facilityIdOf(params.facilityId)
        requireAdmin(await caller(), facilityId)
        return readHookSamples(app.db, facilityId, params.type)
      },
      described({
        tag,
        summary: "Read sample payloads of a type of event, in the shape of its requests",
        description:
          "A list without pages: the facility's newest three events of the type, or the sample of the catalogue when " +
          "there is none.",
        answer: Schema.Array(ZapierPayload),
      }),
    )
