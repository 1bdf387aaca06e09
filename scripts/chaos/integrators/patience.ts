// Acts on a webhook whose deliveries wait for the job webhook-retry after one failure. Time is made to pass: deliveries
// become due, or their time is over. What died is put back in bulk.

import type { Act, Desk } from "./act.ts"
import { sendJob } from "./act.ts"

/** Longer than a delivery is tried. */
const overdueHours = 100
const agedAtOnce = 3
const reprocessRate = 100

/** What waits for the job is due now. */
export const makeDue = ({ database: { db } }: Desk) => db`
  update slotbase.delivery_queue q set ready_at = slotbase.now()
  where q.ctid = any (array(
    select ctid from slotbase.delivery_queue where waits_for = 'job' and ready_at > slotbase.now() for update skip locked))`

/** The time of some deliveries that wait for the job is over. */
export const makeOverdue = ({ database: { db }, ids }: Desk, count = agedAtOnce) => db`
  update slotbase.delivery_queue q set failing_since = slotbase.now() - ${overdueHours}::integer * interval '1 hour'
  where q.ctid = any (array(
    select ctid from slotbase.delivery_queue where waits_for = 'job' and webhook_id = ${ids.patient}
    limit ${count} for update skip locked))`

export const runRetries: Act = async (desk) => {
  await makeDue(desk)
  if (desk.random() < 0.5) await makeOverdue(desk)
  await sendJob(desk.database, "webhook-retry")
}

/** The job that tells of endpoints runs, as if they had failed for an hour. */
export const tellOfHealth: Act = async ({ database, ids }) => {
  await database.db`
    update slotbase.webhook_health set failing_since = failing_since - interval '1 hour'
    where webhook_id = ${ids.patient} and stage < 2 and disabled_at is null`
  await sendJob(database, "webhook-health")
}

export const reprocessDead: Act = ({ ask, customers, ids }) => {
  const wanted = { webhookId: ids.patient, ratePerSecond: reprocessRate }
  return ask("POST", `${customers.at}/dead-letters/reprocess`, wanted, [202, 409])
}
