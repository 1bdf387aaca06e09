/** Sends a sample: to a webhook, as its test, or to the running listeners of a facility. */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { InvalidInput } from "#base/errors.ts"
import { loadSecretKey } from "#base/secret-key.ts"
import { secretBox } from "#base/secrets.ts"
import { audit } from "#events/audit.ts"
import type { EventType } from "#events/catalogue.ts"
import { operatorContext } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import { prepareTest, sendTest } from "#outbound/webhooks/deliveries/test-delivery.ts"
import { beginTest } from "#outbound/webhooks/deliveries/test-rows.ts"
import { type ChosenFacility, listenerName, triggerChannel } from "./webhooks-listen.ts"

/** Answers 0 when the receiver took it. */
export async function triggerWebhook(db: Db, config: Config, webhookId: string, type: EventType): Promise<number> {
  const [webhook] = await db<{ facility_id: string }[]>`
    select facility_id from slotbase.webhooks where id = ${webhookId} and deleted_at is null`
  if (!webhook) {
    console.error(`There is no webhook ${webhookId}.`)
    return 1
  }
  const secrets = secretBox(await loadSecretKey(config))
  const tools = { db, secrets, environment: config.environment, allow: config.egressAllow }
  const test = await prepareTest(tools, webhook.facility_id, webhookId, type).catch((error: unknown) => {
    if (error instanceof InvalidInput) return error
    throw error
  })
  if (test instanceof InvalidInput) {
    console.error(`The webhook does not subscribe to ${type}.`)
    return 1
  }
  const context = operatorContext(config.environment, "slotbase webhooks trigger")
  const { result: begun } = await transact(db, context, (tx) => {
    audit(tx, { action: "webhook.tested", facilityId: webhook.facility_id, subjectId: webhookId })
    return beginTest(tx, test)
  })
  const { delivered, status, durationMs, error, body } = await sendTest(tools, test, begun.attemptId)
  const what = status === undefined ? (error?.message ?? "") : `${status}`
  console.log(`${type}  ${what}  ${Math.round(durationMs)} ms  event ${test.event.id}  delivery ${begun.id}`)
  if (body) console.log(body)
  return delivered ? 0 : 1
}

/** Answers 0 when somebody listens. */
export async function triggerListeners(db: Db, { id, name }: ChosenFacility, type: EventType) {
  const [row] = await db<[{ count: number }]>`
    select count(*) from pg_stat_activity where datname = current_database() and application_name = ${listenerName}`
  if (Number(row.count) === 0) {
    console.error("Nobody listens. Start ./scripts/slotbase webhooks listen, or name a webhook: --webhook ID")
    return 1
  }
  await db.notify(triggerChannel, JSON.stringify({ facilityId: id, type }))
  console.log(`A sample of ${type} went to the listeners of ${name}.`)
  return 0
}
