// The integrators: programs of partners that steer their webhooks while faults are inflicted. Each of their requests is
// repeated until it is answered, so that the tables can be compared with the answers.

import type { Customers } from "#scripts/chaos/customers.ts"
import type { Database } from "#scripts/chaos/database.ts"
import { Unanswered } from "#scripts/chaos/repeating-client.ts"
import { type Act, type Ask, type Desk, type Lasting, lasting, sendJob } from "./act.ts"
import { makeEndings } from "./endings.ts"
import { makeDue, reprocessDead, runRetries, tellOfHealth } from "./patience.ts"
import { type IntegratorReceiver, startIntegratorReceiver } from "./receiver.ts"
import { firstSecret, makeSteering } from "./steering.ts"

export interface Integrators {
  readonly desk: Desk
  readonly receiver: IntegratorReceiver
  /** A sentence for each answer that must not come. */
  readonly troubles: readonly string[]
  /** Acts so far. */
  readonly acts: () => number
  readonly resume: () => void
  /** Resolves when no act is under way and the receivers answer as they should. */
  readonly pause: () => Promise<void>
  /** Takes back what the acts have left: nothing is paused, dead or waiting for a job any more. */
  readonly finish: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface IntegratorsOptions {
  readonly customers: Customers
  readonly database: Database
  readonly random: () => number
  /** Pause between two acts, milliseconds. */
  readonly everyMs: number
}

const finishWithinMs = 90_000
const finishEveryMs = 300
const events = ["booking.confirmed", "booking.cancelled", "booking.hold.released"]
const retryConfig = { maxRetries: 20, retryDelayMs: 300, backoffMultiplier: 1 }
const given: Readonly<Record<Lasting, object>> = {
  ordered: { ordered: true, retryConfig },
  patient: { retryConfig: { maxRetries: 0, retryDelayMs: 100 } },
  steered: { authType: "signature", authConfig: { signingSecret: firstSecret }, retryConfig },
}
const moods = {
  ordered: { fails: 0.05, asksToWait: 0.02 },
  patient: { fails: 0.3 },
  steered: { fails: 0.05, asksToWait: 0.02 },
}

export async function startIntegrators(options: IntegratorsOptions): Promise<Integrators> {
  const { customers, database, random, everyMs } = options
  const receiver = startIntegratorReceiver(random)
  const troubles: string[] = []
  const ask: Ask = async (method, path, body, expected) => {
    const answer = await customers.ask(path, body, method)
    if (!expected.includes(answer.status))
      troubles.push(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer as unknown as Awaited<ReturnType<Ask>>
  }
  receiver.accept("steered", [firstSecret])
  const ids = {} as Record<Lasting, string>
  for (const name of lasting) {
    const wanted = { name: `integrator ${name}`, url: receiver.urlOf(name), events, ...given[name] }
    ids[name] = String((await ask("POST", `${customers.at}/webhooks`, wanted, [201])).body.id)
  }
  const noted = { resends: new Set(), replays: new Set(), deleted: new Set(), gone: new Set() } as never
  const desk: Desk = { customers, database, receiver, random, ids, ask, noted }
  const steering = makeSteering()
  const endings = makeEndings()
  const acts: readonly Act[] = [
    steering.pauseOrResume,
    steering.replay,
    steering.resend,
    steering.rotate,
    endings.makeOrDelete,
    endings.subscribeOrGo,
    runRetries,
    tellOfHealth,
    reprocessDead,
  ]
  let acted = 0
  let running = false
  let stopped = false
  let gate = Promise.withResolvers<void>()
  let busy: Promise<unknown> = Promise.resolve()

  async function keepActing(): Promise<void> {
    // Every act has its turn, in another order each time.
    for (let turn: Act[] = []; !stopped; ) {
      if (!running) await gate.promise
      if (stopped) return
      if (turn.length === 0) turn = [...acts].sort(() => random() - 0.5)
      const act = turn.pop() as Act
      acted++
      busy = act(desk).catch((error: Error) => {
        // The statements of acts are not repeated: a fault may have hit them.
        if (error instanceof TypeError) troubles.push(String(error.stack))
      })
      await busy
      await Bun.sleep(everyMs * 2 * random())
    }
  }
  const acting = keepActing()

  return {
    desk,
    receiver,
    troubles,
    acts: () => acted,
    resume() {
      for (const name of lasting) receiver.setMood(name, moods[name])
      running = true
      gate.resolve()
      gate = Promise.withResolvers()
    },
    async pause() {
      running = false
      await busy
      receiver.calm()
    },
    async finish() {
      try {
        await steering.finish(desk)
        await endings.finish(desk)
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
      }
      const deadline = performance.now() + finishWithinMs
      for (let left = await goOn(desk); left !== undefined; left = await goOn(desk)) {
        if (performance.now() > deadline) throw new Error(`the integrators are not done: ${left}`)
        await Bun.sleep(finishEveryMs)
      }
    },
    async stop() {
      stopped = true
      gate.resolve()
      await acting
      await receiver.stop()
    },
  }
}

/** Lets the job and the replays go on; names what is left. */
async function goOn(desk: Desk): Promise<string | undefined> {
  const { db } = desk.database
  const [left] = await db<[{ waiting: number; dead: number; replays: number }]>`
    select (select count(*) from slotbase.delivery_queue where waits_for = 'job') as waiting,
           (select count(*) from slotbase.dead_letters where webhook_id = ${desk.ids.patient} and resolved_at is null) as dead,
           (select count(*) from slotbase.replays where ended_at is null) as replays`
  if (left.waiting > 0) {
    await makeDue(desk)
    await sendJob(desk.database, "webhook-retry")
  }
  if (left.dead > 0) await reprocessDead(desk)
  return left.waiting + left.dead + left.replays === 0
    ? undefined
    : `${left.waiting} deliveries wait for the job, ${left.dead} are dead, ${left.replays} replays have not ended`
}
