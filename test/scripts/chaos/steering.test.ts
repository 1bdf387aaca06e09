// What the act "resend" notes is what the law looks for: new deliveries, and nothing else.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { claimDeliveries } from "#actors/deliveries/claim-rows.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { settleAttempts } from "#actors/deliveries/settle-rows.ts"
import { replays } from "#actors/jobs/replays.ts"
import type { Desk, Noted } from "#scripts/chaos/integrators/act.ts"
import { notDone, unasked } from "#scripts/chaos/integrators/laws.ts"
import { makeSteering } from "#scripts/chaos/integrators/steering.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { actorProcess, processRow } from "#test/harness/pipeline/pipeline.ts"
import { aWebhook, confirmed, delivered } from "#test/harness/pipeline/webhooks.ts"

let api: TestApi
let owner = 0

beforeAll(async () => {
  api = await testApi()
  owner = await processRow(api.database.db, true)
})
afterAll(() => api?.database.drop())

test("an attempt of a replay that its receiver has answered and nobody has settled yet is no new delivery", async () => {
  const { db } = api.database
  const facilityId = await api.facility()
  const at = `/v1/facilities/${facilityId}`
  const { id: webhookId } = await aWebhook(api.app, facilityId, { url: "https://receiver.example/hook" })
  const claim = async () => {
    const wants = [{ webhookId, after: 0, busy: 0, ahead: 1, cap: 10 }]
    return (await claimDeliveries(db, { process: actorProcess(owner), wants, total: 10 })) as [ClaimedDelivery]
  }
  await confirmed(db, facilityId)
  const [first] = await claim()
  await settleAttempts(db, [delivered(first)])
  const { body: replay } = await api.call("POST", `${at}/webhooks/${webhookId}/replays`, {
    body: { since: "2020-01-01T00:00:00Z" },
  })
  await replays({ db }).pass(new AbortController().signal)
  const [underWay] = await claim()

  const noted: Noted = { resends: new Set(), replays: new Set([replay.id]), deleted: new Set(), gone: new Set() }
  const resend = (attempt: string) =>
    makeSteering().resend({
      ask: async (method: string, path: string, body: unknown) => {
        const answer = await api.call(method, path, { body })
        return { status: answer.status, body: answer.body }
      },
      customers: { at },
      receiver: { latelyAnswered: () => [attempt] },
      random: () => 0,
      noted,
    } as unknown as Desk)
  await resend(underWay.attempt_id)
  expect([...noted.resends]).toEqual([])
  await settleAttempts(db, [delivered(underWay)])

  await resend(underWay.attempt_id)
  expect(noted.resends.size).toBe(1)
  const [again] = await claim()
  await settleAttempts(db, [delivered(again)])
  expect([...(await notDone(db, { ...noted, replays: new Set() })), ...(await unasked(db, noted))]).toEqual([])
})
