/** The API keys of a facility. */
import { Elysia } from "elysia"
import { PageQuery } from "#base/schema/page.ts"
import { ApiKey, ApiKeyInput, createApiKey, listApiKeys, NewApiKey, revokeApiKey } from "#domain/people/api-keys.ts"
import type { App } from "#http/app.ts"
import { described, listOf } from "#http/describe.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { api } from "#http/route.ts"

export const keyRoutes = (app: App) =>
  new Elysia({ name: "api-keys" })
    .use(api(app))
    .post(
      "/v1/facilities/:facilityId/api-keys",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        const key = input(ApiKeyInput, body)
        return command((tx) => createApiKey(tx, who, facilityId, key), { status: 201, secret: true })
      },
      described({
        tag: "API keys",
        summary: "Make an API key",
        description: "For administrators of the facility. `key` is shown in this answer and never again.",
        body: ApiKeyInput,
        answer: NewApiKey,
        status: 201,
      }),
    )
    .get(
      "/v1/facilities/:facilityId/api-keys",
      async ({ caller, input, query, params }) => {
        const who = await caller()
        return listApiKeys(app.db, who, facilityIdOf(params.facilityId), input(PageQuery, query))
      },
      described({
        tag: "API keys",
        summary: "List the API keys of a facility",
        query: PageQuery,
        answer: listOf(ApiKey),
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/api-keys/:id",
      async ({ command, caller, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        return command((tx) => revokeApiKey(tx, who, facilityId, idOf(params.id, "API key")))
      },
      described({ tag: "API keys", summary: "Revoke an API key" }),
    )
