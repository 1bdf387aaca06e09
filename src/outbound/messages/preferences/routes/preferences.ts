/** What one wants to be told, by which channel, and when. */
import { Elysia } from "elysia"
import { requirePerson } from "#domain/people/accounts/names.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { api } from "#http/route.ts"
import { PreferencesAnswer, PreferencesInput } from "#outbound/messages/preferences/input.ts"
import { readPreferences, replacePreferences } from "#outbound/messages/preferences/preferences.ts"

const tag = "Messages"

export const preferenceRoutes = (app: App) =>
  new Elysia({ name: "message-preferences" })
    .use(api(app))
    .get(
      "/v1/me/message-preferences",
      async ({ caller }) => {
        const who = await caller()
        requirePerson(who)
        return readPreferences(app.db, who)
      },
      described({
        tag,
        summary: "Read what one wants to be told",
        description: "`types` lists every type of message with what is sent now.",
        answer: PreferencesAnswer,
      }),
    )
    .put(
      "/v1/me/message-preferences",
      async ({ command, caller, input, body }) => {
        const who = await caller()
        requirePerson(who)
        const given = input(PreferencesInput, body)
        return command((tx) => replacePreferences(tx, who, given))
      },
      described({
        tag,
        summary: "Replace what one wants to be told",
        description:
          "A switch of a type counts before that of all types (`*`). Text messages are sent only where they are switched on. " +
          "In quiet hours messages wait until the end. Account and security messages always come, at once.",
        body: PreferencesInput,
        answer: PreferencesAnswer,
        events: ["user.updated"],
        audited: "user.message_preferences_changed",
      }),
    )
