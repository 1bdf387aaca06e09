// Operations: events, webhooks and their deliveries, keys, dead letters, jobs.

import { admins, platform, type Row, staff } from "#test/whole/authorization/row.ts"

const f = "/v1/facilities/:facilityId"

export const operationRows: readonly Row[] = [
  [`GET ${f}/events`, staff],
  [`GET ${f}/events/:eventId`, staff],
  [`GET ${f}/events/:eventId/log`, staff],
  ["GET /v1/events", platform],
  ["GET /v1/events/:eventId", platform],
  ["GET /v1/events/:eventId/log", platform],
  [`POST ${f}/api-keys`, admins],
  [`GET ${f}/api-keys`, admins],
  [`DELETE ${f}/api-keys/:id`, admins],
  [
    `POST ${f}/webhooks`,
    admins,
    { body: () => ({ name: "Board", url: "http://127.0.0.1:8009/hook", events: ["user.created"] }) },
  ],
  [`GET ${f}/webhooks`, admins],
  [`GET ${f}/webhooks/:id`, admins],
  [`PATCH ${f}/webhooks/:id`, admins],
  [`DELETE ${f}/webhooks/:id`, admins],
  [`GET ${f}/webhooks/:id/deliveries`, admins],
  [`GET ${f}/deliveries/:id`, admins],
  [`POST ${f}/deliveries/:id/retry`, admins],
  [`GET ${f}/dead-letters`, admins],
  [`POST ${f}/dead-letters/:id/reprocess`, admins],
  [`POST ${f}/dead-letters/:id/ignore`, admins],
  [`POST ${f}/dead-letters/:id/resolve`, admins],
  ["GET /v1/dead-letters", platform],
  ["POST /v1/dead-letters/:id/reprocess", platform],
  ["POST /v1/dead-letters/:id/ignore", platform],
  ["POST /v1/dead-letters/:id/resolve", platform],
  ["GET /v1/jobs", platform],
  ["GET /v1/jobs/:name", platform],
  ["GET /v1/jobs/:name/preview", platform],
  ["POST /v1/jobs/:name/run", platform, { query: "wait=0" }],
  ["GET /v1/jobs/:name/runs", platform],
  ["GET /v1/jobs/:name/runs/:id", platform],
  [`GET ${f}/jobs`, admins],
  [`POST ${f}/jobs/:name/run`, admins, { query: "wait=0" }],
  [`GET ${f}/jobs/:name/runs`, admins],
  [`GET ${f}/jobs/:name/runs/:id`, admins],
]
