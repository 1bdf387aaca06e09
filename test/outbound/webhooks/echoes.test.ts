// A receiver that answers with the credentials of its request: the history of a delivery shows them to nobody.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, aWebhook, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let deliverer: TestDeliverer
const echo = startReceiver(({ headers }) => {
  const said = ["authorization", "x-key"].map((name) => headers.get(name)).find((value) => value !== null) ?? ""
  const password = atob(/^Basic (.*)$/.exec(said)?.[1] ?? "").replace(/^.*?:/, "")
  return new Response(`wrong: ${said} ${password}`, { status: 401, headers: { "X-Seen": said } })
})

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
})
afterAll(async () => {
  await deliverer?.drain()
  await echo.stop()
  await api?.database.drop()
})

test.each([
  [{ authType: "bearer", authConfig: { bearerToken: "token-of-the-club" } }, "wrong: (hidden) ", "(hidden)"],
  [
    { authType: "basic", authConfig: { username: "club", password: "word-of-the-club" } },
    "wrong: (hidden) (hidden)",
    "(hidden)",
  ],
  [
    { authType: "header", authConfig: { headerName: "X-Key", headerValue: "key-of-the-club" } },
    "wrong: (hidden) ",
    "(hidden)",
  ],
  [{ authType: "bearer", authConfig: { bearerToken: "short" } }, "wrong: (hidden) ", "(hidden)"],
] as const)("%j are hidden in the answer, of a delivery and of a test", async (auth, said, seen) => {
  const facilityId = await api.facility()
  const { id } = await aWebhook(api.app, facilityId, { url: echo.url, ...auth, retryConfig: { maxRetries: 0 } })
  await confirmed(api.database.db, facilityId)
  await deliverer.run()
  const at = `/v1/facilities/${facilityId}/webhooks/${id}`
  const [delivery] = (await api.call("GET", `${at}/deliveries`)).body.data
  const tested = (await api.call("POST", `${at}/test`, { body: {} })).body
  for (const { responseBody, responseHeaders, responseStatus } of [delivery, tested])
    expect([responseBody, responseHeaders["x-seen"], responseStatus]).toEqual([said, seen, 401])
})
