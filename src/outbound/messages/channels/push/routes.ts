/** The browsers in which one wants push messages. */
import { Elysia } from "elysia"
import { checkUrl } from "#base/egress/fetch.ts"
import { WrongState } from "#base/errors.ts"
import { requirePerson } from "#domain/people/accounts/names.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import { browserKeysOf, PushKey, SubscriptionAnswer, SubscriptionInput } from "./input.ts"
import { loadPushKey } from "./keys.ts"
import { listSubscriptions, subscribeBrowser, unsubscribeBrowser } from "./subscriptions.ts"

const tag = "Messages"

export const pushRoutes = (app: App) =>
  new Elysia({ name: "push" })
    .use(api(app))
    .get(
      "/v1/push-key",
      async () => ({ publicKey: app.config.push.subject === undefined ? null : (await loadPushKey(app)).publicKey }),
      described({
        tag,
        summary: "Read the key that browsers subscribe with",
        description: "It stays the same, unless the operator configures another one. Browsers subscribe anew then.",
        answer: PushKey,
        open: true,
      }),
    )
    .get(
      "/v1/me/push-subscriptions",
      async ({ caller }) => {
        const who = await caller()
        requirePerson(who)
        return listSubscriptions(app.db, who)
      },
      described({
        tag,
        summary: "List the browsers that get push messages",
        description: "The oldest first. No answer shows the address of a browser.",
        answer: listOf(SubscriptionAnswer),
      }),
    )
    .post(
      "/v1/me/push-subscriptions",
      async ({ command, caller, input, body }) => {
        const who = await caller()
        requirePerson(who)
        const given = input(SubscriptionInput, body)
        const keys = browserKeysOf(given)
        if (app.config.push.subject === undefined)
          throw new WrongState("push_unavailable", "No push messages are sent here.")
        const prepare = async () => {
          await checkUrl(given.endpoint, app.config.egressAllow, "body.endpoint")
          return (await loadPushKey(app)).publicKey
        }
        let created = false
        return command(
          async (tx, serverKey: string) => {
            const made = await subscribeBrowser(tx, app.secrets, who, { endpoint: given.endpoint, keys, serverKey })
            created = made.created
            return made.answer
          },
          { status: () => (created ? 201 : 200), before: prepare },
        )
      },
      described({
        tag,
        summary: "Get push messages in a browser",
        description:
          "The body is what `PushSubscription.toJSON()` gives. The same browser again keeps its id (200). A browser in " +
          "which somebody else was signed in is the caller's from now on.",
        body: SubscriptionInput,
        answer: SubscriptionAnswer,
        status: 201,
        also: [200],
        events: ["user.updated"],
        problems: [409],
        audited: "user.push_subscribed",
      }),
    )
    .delete(
      "/v1/me/push-subscriptions/:id",
      async ({ command, caller, params }) => {
        const who = await caller()
        requirePerson(who)
        const id = idOf(params.id, "push subscription")
        return command((tx) => unsubscribeBrowser(tx, who, id))
      },
      described({
        tag,
        summary: "End the push messages of a browser",
        events: ["user.updated"],
        audited: "user.push_unsubscribed",
      }),
    )
