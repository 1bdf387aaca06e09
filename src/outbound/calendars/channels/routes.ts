/**
 * The address at which providers notify. It needs no caller: the secret of the channel is checked. An unknown channel
 * and a wrong secret get the same answer.
 */
import { Elysia } from "elysia"
import type { App } from "#http/app.ts"
import { readBody } from "#http/body.ts"
import { bodyLimits } from "#http/body-limits.ts"
import { streamingApi } from "#http/route.ts"
import { type ChannelKey, liveChannel } from "./channels.ts"
import { takeGoogleNotification, takeGraphNotifications } from "./notifications.ts"

export const channelRoutes = (app: App) =>
  new Elysia({ name: "calendar-channels", detail: { hide: true } })
    .use(streamingApi(app))
    .post("/calendar-channels/:facilityId/:id", async ({ params, request }) => {
      const key = { id: params.id ?? "", facility_id: params.facilityId ?? "" }
      const asked = new URL(request.url).searchParams.get("validationToken")
      if (asked !== null) return validation(app, key, asked)
      const isTaken = request.headers.has("x-goog-channel-id")
        ? await takeGoogleNotification(app.db, key, request.headers)
        : await takeGraphNotifications(app.db, key, await readBody(request, bodyLimits.notification))
      return isTaken ? plain("", 202) : plain("There is no such channel.", 404)
    })

/** Graph asks whether the address is right before it opens a subscription, and expects the text back. */
async function validation(app: App, key: ChannelKey, token: string): Promise<Response> {
  const channel = token.length <= longestToken ? await liveChannel(app.db, key) : undefined
  if (channel?.provider !== "outlook" || channel.remote_id !== null) return plain("There is no such channel.", 404)
  return plain(token, 200)
}

const longestToken = 1_000

const plain = (text: string, status: number) =>
  new Response(text, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    },
  })
