/** The API keys of a facility. */
import { Elysia } from "elysia"
import { PageQuery } from "#base/schema/page.ts"
import {
  ApiKey,
  ApiKeyInput,
  createApiKey,
  KeyTransferInput,
  listApiKeys,
  NewApiKey,
  revokeApiKey,
  transferApiKey,
} from "#domain/people/api-keys.ts"
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
        description:
          "For administrators of the facility. `key` is shown in this answer and never again. " +
          "The key ends with your right to make keys, unless it is made for the club.",
        body: ApiKeyInput,
        answer: NewApiKey,
        status: 201,
        audited: { action: "api_key.created", after: "answer" },
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
    .post(
      "/v1/facilities/:facilityId/api-keys/:id/transfer",
      async ({ command, caller, input, body, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        const id = idOf(params.id, "API key")
        const to = input(KeyTransferInput, body)
        return command((tx) => transferApiKey(tx, who, facilityId, id, to))
      },
      described({
        tag: "API keys",
        summary: "Take an API key over, or give it to the club",
        description: "For administrators of the facility, and not for keys. The key itself stays the same.",
        audited: "api_key.transferred",
        body: KeyTransferInput,
        answer: ApiKey,
        problems: [409],
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/api-keys/:id",
      async ({ command, caller, params }) => {
        const who = await caller()
        const facilityId = facilityIdOf(params.facilityId)
        return command((tx) => revokeApiKey(tx, who, facilityId, idOf(params.id, "API key")))
      },
      described({
        audited: "api_key.revoked",
        tag: "API keys",
        summary: "Revoke an API key, and the keys that it made",
      }),
    )
