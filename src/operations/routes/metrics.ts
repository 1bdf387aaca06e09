/**
 * GET /metrics, in Prometheus' text format. Figures tell much about a business.
 * A scraper on the same machine may read them without a token. Any other reader must be a platform administrator.
 * Behind a proxy on the same machine every request looks local: do not let the proxy pass on /metrics.
 */
import { Elysia } from "elysia"
import { requirePlatformAdmin } from "#access/caller.ts"
import { metricsContentType, scrape } from "#events/metrics.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { api } from "#http/route.ts"

export const metricsRoutes = (app: App) =>
  new Elysia().use(api(app)).get(
    "/metrics",
    async ({ caller, clientIp, request, set }) => {
      if (!isLocal(clientIp(), request)) requirePlatformAdmin(await caller())
      set.headers["content-type"] = metricsContentType
      return scrape(app.db)
    },
    described({ tag: "Operations", summary: "Read the metrics", mediaType: "text/plain" }),
  )

/** A forwarded request comes from elsewhere, whatever its last hop. */
const isLocal = (ip: string | undefined, { headers }: Request): boolean =>
  ip !== undefined && loopback.test(ip) && !headers.has("x-forwarded-for") && !headers.has("forwarded")

const loopback = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
