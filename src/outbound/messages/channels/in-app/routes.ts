/** The messages that a person reads inside the program. */
import { Elysia } from "elysia"
import { requirePerson } from "#domain/people/accounts/names.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { idOf } from "#http/path.ts"
import { api } from "#http/route.ts"
import {
  InAppNotification,
  InAppPage,
  listNotifications,
  NotificationQuery,
  ReadCount,
  ReadUpTo,
  readNotification,
  readUpTo,
} from "./inbox.ts"

const tag = "Messages"

export const notificationRoutes = (app: App) =>
  new Elysia({ name: "notifications" })
    .use(api(app))
    .get(
      "/v1/me/notifications",
      async ({ caller, input, query }) => {
        const who = await caller()
        requirePerson(who)
        return listNotifications(app.db, who, input(NotificationQuery, query))
      },
      described({
        tag,
        summary: "List one's own messages",
        description: "The newest first, of all clubs. The channel `user:{id}:notifications` brings new ones.",
        query: NotificationQuery,
        answer: InAppPage,
      }),
    )
    .post(
      "/v1/me/notifications/read",
      async ({ command, caller, input, body }) => {
        const who = await caller()
        requirePerson(who)
        const read = input(ReadUpTo, body)
        return command((tx) => readUpTo(tx, who, read))
      },
      described({
        tag,
        summary: "Mark messages as read",
        description: "One with all before it, or all; at most 5,000 at once. `unread` says how many are left.",
        body: ReadUpTo,
        answer: ReadCount,
      }),
    )
    .post(
      "/v1/me/notifications/:id/read",
      async ({ command, caller, params }) => {
        const who = await caller()
        requirePerson(who)
        const id = idOf(params.id, "notification")
        return command((tx) => readNotification(tx, who, id))
      },
      described({
        tag,
        summary: "Mark a message as read",
        description: "The time of the first reading stays.",
        answer: InAppNotification,
      }),
    )
