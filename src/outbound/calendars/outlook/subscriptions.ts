/** Subscriptions of Microsoft Graph, by which it says that a calendar has changed. They are renewed in place. */
import { CalendarFailed, type CalendarWatch, type OpenChannel } from "#outbound/calendars/provider.ts"
import type { OutlookApi } from "./outlook-api.ts"

/** Of events, seven days at most. */
const lifetimeMs = (7 * 24 - 1) * 60 * 60_000

export function outlookWatch(api: OutlookApi, apiBase: string, calendarId: string, now: () => number): CalendarWatch {
  const subscriptions = `${apiBase}/subscriptions`
  const at = (remoteId: string) => `${subscriptions}/${encodeURIComponent(remoteId)}`
  const until = () => ({ expirationDateTime: new Date(now() + lifetimeMs).toISOString() })
  return {
    async open({ address, secret }) {
      const answer = await api.ask("POST", subscriptions, {
        changeType: "created,updated,deleted",
        notificationUrl: address,
        lifecycleNotificationUrl: address,
        resource: calendarId === "primary" ? "me/events" : `me/calendars/${calendarId}/events`,
        clientState: secret,
        ...until(),
      })
      return openIn(answer)
    },
    async renew(remoteId) {
      const answer = await api.ask("PATCH", at(remoteId), until())
      return answer.status === 404 || answer.status === 410 ? undefined : openIn(answer)
    },
    async stop({ remoteId }) {
      const { status } = await api.ask("DELETE", at(remoteId))
      if (![200, 202, 204, 404, 410].includes(status))
        throw new CalendarFailed("refused", `Microsoft refuses to end a subscription (${status}).`)
    },
  }
}

function openIn({ status, body }: { readonly status: number; readonly body: string }): OpenChannel {
  if (status !== 200 && status !== 201)
    throw new CalendarFailed("refused", `Microsoft refuses a subscription (${status}).`)
  const { id, expirationDateTime } = fieldsIn(body)
  const expiresAt = Date.parse(String(expirationDateTime))
  if (typeof id !== "string" || Number.isNaN(expiresAt))
    throw new CalendarFailed("not_understood", "Microsoft's answer names no subscription.")
  return { remoteId: id, expiresAt }
}

function fieldsIn(body: string): { readonly id?: unknown; readonly expirationDateTime?: unknown } {
  try {
    return JSON.parse(body) ?? {}
  } catch {
    return {}
  }
}
