/** The HTTP server: all routes in one list, the problem documents around them, and the limits of a request. */
import { type AnyElysia, Elysia } from "elysia"
import type { App } from "../app.ts"
import { webSocketOptions } from "../live/limits.ts"
import { Live } from "../live/live.ts"
import { keyRoutes } from "./api-keys.ts"
import { availabilityRoutes } from "./availability.ts"
import { maxBodyBytes } from "./body.ts"
import { bookingRoutes } from "./bookings.ts"
import { deadLetterRoutes } from "./dead-letters.ts"
import { deliveryRoutes } from "./deliveries.ts"
import { eventTypeRoutes } from "./event-types.ts"
import { eventRoutes } from "./events.ts"
import { facilityRoutes } from "./facilities.ts"
import { healthRoutes } from "./health.ts"
import { holdRoutes } from "./holds.ts"
import { liveRoutes } from "./live.ts"
import { mailboxRoutes } from "./mailbox.ts"
import { metricsRoutes } from "./metrics.ts"
import { openApiRoutes } from "./openapi.ts"
import { otherMethods } from "./other-methods.ts"
import { problems } from "./problems.ts"
import { resourceRoutes } from "./resources.ts"
import { sessionRoutes } from "./sessions.ts"
import { userRoutes } from "./users.ts"
import { webhookRoutes } from "./webhooks.ts"

/** Not yet listening; `.listen({ hostname, port })` opens it, `.stop()` lets requests in flight end. */
export function createServer(app: App, live = new Live(app.db)) {
  const server = new Elysia({
    serve: { maxRequestBodySize: maxReadBytes, idleTimeout: idleSeconds },
    websocket: webSocketOptions,
  })
    .use(otherMethods(() => whole().routes))
    .use(problems())
    .use(userRoutes(app))
    .use(sessionRoutes(app))
    .use(facilityRoutes(app))
    .use(resourceRoutes(app))
    .use(keyRoutes(app))
    .use(availabilityRoutes(app))
    .use(holdRoutes(app))
    .use(bookingRoutes(app))
    .use(eventRoutes(app))
    .use(eventTypeRoutes())
    .use(webhookRoutes(app))
    .use(deliveryRoutes(app))
    .use(deadLetterRoutes(app))
    .use(mailboxRoutes(app))
    .use(liveRoutes(live))
    .use(healthRoutes(app))
    .use(metricsRoutes(app))
    .use(openApiRoutes(() => whole()))
  const whole = (): AnyElysia => server
  return server
}

/** What a process without the API serves: whether it is well, and what it has counted. */
export const createOperationsServer = (app: App) =>
  new Elysia().use(problems()).use(healthRoutes(app)).use(metricsRoutes(app))

/** Bun's own limit answers without a problem document, so it stands far behind ours, which reads no further than itself. */
const maxReadBytes = 64 * maxBodyBytes
/** Longer than any request of ours takes, shorter than load balancers keep a silent connection (60 s). */
const idleSeconds = 30
