/** The HTTP server: the areas, the problem documents around them, and the limits of a request. */
import { type AnyElysia, Elysia } from "elysia"
import { accountPageRoutes } from "#domain/people/routes/account-pages.ts"
import { refuseAddresses, withAddress } from "#http/addresses.ts"
import type { App } from "#http/app.ts"
import { failureOutsideRoutes, problems } from "#http/problems.ts"
import { limitRequests } from "#http/request-rates.ts"
import { untilStarted } from "#http/until-started.ts"
import { healthRoutes } from "#operations/routes/health.ts"
import { metricsRoutes } from "#operations/routes/metrics.ts"
import { channelRoutes } from "#outbound/calendars/channels/routes.ts"
import { consentReturnRoutes } from "#outbound/calendars/consents/routes.ts"
import { calendarFileRoutes } from "#outbound/calendars/feeds/routes.ts"
import { webSocketOptions } from "#outbound/live/limits.ts"
import { Live } from "#outbound/live/live.ts"
import { liveRoutes } from "#outbound/live/routes.ts"
import { liveStreamRoutes } from "#outbound/live/stream-routes.ts"
import { bookingLinkRoutes } from "#outbound/messages/booking-links/routes.ts"
import { mailboxRoutes } from "#outbound/messages/channels/email/routes.ts"
import { phoneRoutes } from "#outbound/messages/channels/sms/routes.ts"
import { unsubscribeRoutes } from "#outbound/messages/preferences/routes/unsubscribe.ts"
import { bookingPageRoutes } from "#pages/routes/booking-page.ts"
import { pageSessionRoutes } from "#pages/routes/session.ts"
import { areas } from "./areas.ts"
import { asyncApiRoutes } from "./asyncapi.ts"
import { openApiRoutes } from "./openapi.ts"
import { otherMethods } from "./other-methods.ts"
import type { Outside } from "./outside.ts"

/**
 * The server is not listening yet. `.listen({ hostname, port })` opens it, and `.stop()` lets requests in flight end.
 */
export function createServer(app: App & Outside, live = new Live(app.db)): AnyElysia {
  const server: AnyElysia = new Elysia({ ...settingsOf(app), websocket: webSocketOptions })
    .wrap(withAddress)
    .use(limitRequests(app.config))
    .use(refuseAddresses())
    .use(untilStarted())
    .use(otherMethods(() => server.routes))
    .use(problems())
  for (const routes of areas) server.use(routes(app))
  return server
    .use(accountPageRoutes(app))
    .use(unsubscribeRoutes(app))
    .use(calendarFileRoutes(app))
    .use(consentReturnRoutes(app))
    .use(channelRoutes(app))
    .use(bookingLinkRoutes(app))
    .use(pageSessionRoutes(app))
    .use(bookingPageRoutes(app))
    .use(mailboxRoutes(app))
    .use(phoneRoutes(app))
    .use(liveRoutes(live, app.config))
    .use(liveStreamRoutes(live, app.config))
    .use(openApiRoutes(() => server))
    .use(asyncApiRoutes())
}

/** The server of a process without the API: health and metrics. */
export function createOperationsServer(app: App): AnyElysia {
  const server: AnyElysia = new Elysia(settingsOf(app))
    .wrap(withAddress)
    .use(limitRequests(app.config))
    .use(refuseAddresses())
    .use(untilStarted())
    .use(otherMethods(() => server.routes))
    .use(problems())
    .use(healthRoutes(app))
    .use(metricsRoutes(app))
  return server
}

/** Longer than any request takes, shorter than the time after which load balancers close a silent connection (60 s). */
const idleSeconds = 30

const settingsOf = ({ config }: App) => ({
  serve: {
    // Bun answers without a problem document, so its limit is above that of the largest upload.
    maxRequestBodySize: config.maxUploadBytes + bytesAboveUpload,
    idleTimeout: idleSeconds,
    // Bun's page for developers shows source code and paths.
    development: false,
    error: failureOutsideRoutes,
  },
  // By default Elysia looks for the path after the eleventh character, and misses it behind a host of three letters.
  handler: { standardHostname: false },
})

/** Twice the room that a form has beside its files. */
const bytesAboveUpload = 2 * 1024 * 1024
