// Provokes the crash points of webhooks that wait for a job, are replayed or end. The integrators' receiver fails or is
// gone for it, and the jobs are made due.

import { sendJob } from "#scripts/chaos/integrators/act.ts"
import { makeDue, makeOverdue } from "#scripts/chaos/integrators/patience.ts"
import { beginReplay } from "#scripts/chaos/integrators/steering.ts"
import type { World } from "#scripts/chaos/world.ts"
import { goneReceiver } from "./deliveries.ts"
import type { Provoke } from "./provocation.ts"

/** Most requests to the patient webhook fail, so that its deliveries wait for the job, and the job runs. */
export const waitingForJob: Provoke = ({ integrators: { desk } }) => ({
  before: async () => desk.receiver.setMood("patient", { fails: 0.7 }),
  again: async () => {
    await makeDue(desk)
    await sendJob(desk.database, "webhook-retry")
  },
})

/** As above, and their time is over. */
export const overdueDeliveries: Provoke = (world) => {
  const waiting = waitingForJob(world)
  const { desk } = world.integrators
  return { ...waiting, again: () => makeOverdue(desk, many).then(waiting.again) }
}
const many = 100

/** A replay of the steered webhook is always under way. */
export const runningReplay: Provoke = ({ integrators: { desk } }) => ({
  again: async () => {
    const [running] = await desk.database.db`
      select from slotbase.replays where ended_at is null and status = 'running' and webhook_id = ${desk.ids.steered}`
    if (running) return
    await beginReplay(desk)
  },
})

/** Receivers of REST hooks are gone as soon as they have subscribed. */
export const goneHooks: Provoke = (world) => {
  const { customers, receiver, ask, noted } = world.integrators.desk
  return {
    again: async () => {
      if ((await openHooks(world)) > 0) return
      const name = `gone-hook-${crypto.randomUUID()}`
      receiver.setMood(name, { isGone: true })
      const wanted = { hookUrl: receiver.urlOf(name), event: "booking.confirmed" }
      const { body } = await ask("POST", `${customers.at}/hooks/subscriptions`, wanted, [201])
      noted.gone.add(String(body.id))
    },
  }
}

/** Of receivers that are gone. */
async function openHooks({ integrators: { desk } }: World): Promise<number> {
  const [row] = await desk.database.db<[{ count: number }]>`
    select count(*) from slotbase.webhooks where id = any (${[...desk.noted.gone]}::uuid[]) and deleted_at is null`
  return row.count
}

/** Webhooks are switched off by a 410, and the job that tells of it runs. */
export const toldEndpoints: Provoke = (world) => {
  const gone = goneReceiver(world)
  return {
    ...gone,
    again: async () => {
      await sendJob(world.database, "webhook-health")
      await gone.again?.()
    },
  }
}
