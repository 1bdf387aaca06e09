// Acts on one webhook: paused and resumed, replayed, sent again by hand, its secret rotated.

import type { Act, Desk } from "./act.ts"

/** The secret that the webhook has first. */
export const firstSecret = "secret-0-of-the-fault-campaign"
/** A replay goes back so far, so that it stays small in a long campaign. */
const replayedMs = 10_000
const replayRate = 100
/** How long requests that were signed before a rotation may still arrive. */
const graceMs = 10_000
/** No jump of the clock ends it before the campaign does. */
const overlapHours = 168

export interface Steering {
  readonly pauseOrResume: Act
  readonly replay: Act
  readonly resend: Act
  readonly rotate: Act
  /** Resumes what is paused. */
  readonly finish: Act
}

export function makeSteering(): Steering {
  let isPaused = false
  let latest: string | undefined
  let rotations = 0
  let secret = firstSecret
  let rotation: { readonly next: string; readonly step: "both sign" | "receiver has changed"; at: number } | undefined

  async function decide({ ask, customers, random }: Desk, id: string): Promise<void> {
    const decision = random() < 0.4 ? "pause" : random() < 0.7 ? "resume" : "cancel"
    await ask("POST", `${customers.at}/replays/${id}/${decision}`, undefined, [200, 409])
  }

  return {
    async pauseOrResume({ ask, customers, ids }) {
      isPaused = !isPaused
      await ask("POST", `${customers.at}/webhooks/${ids.steered}/${isPaused ? "pause" : "resume"}`, undefined, [200])
    },
    async replay(desk) {
      if (latest !== undefined && desk.random() < 0.5) return decide(desk, latest)
      latest = (await beginReplay(desk)) ?? latest
    },
    async resend({ ask, customers, noted, random, receiver }) {
      const answered = receiver.latelyAnswered()
      const attempt = answered[Math.floor(random() * answered.length)]
      if (attempt === undefined) return
      // 409: the webhook was deleted meanwhile.
      const { body } = await ask("POST", `${customers.at}/deliveries/${attempt}/retry`, undefined, [200, 404, 409])
      // A receiver has answered before its attempt is settled. Then the answer is the delivery of that attempt. If a
      // replay made the delivery, it has "resendOf" too.
      const attempts = (body.attempts ?? []) as readonly { readonly id: string }[]
      const isNew = body.resendOf !== undefined && !attempts.some(({ id }) => id === attempt)
      if (isNew) noted.resends.add(String(body.id))
    },
    async rotate({ ask, customers, ids, receiver, database }) {
      if (rotation === undefined) {
        const next = `secret ${++rotations} of the fault campaign`.replaceAll(" ", "-")
        receiver.accept("steered", [secret, next])
        const wanted = { signingSecret: next, overlapHours }
        await ask("POST", `${customers.at}/webhooks/${ids.steered}/rotate-secret`, wanted, [200])
        rotation = { next, step: "both sign", at: performance.now() }
      } else if (performance.now() - rotation.at > graceMs) {
        if (rotation.step === "both sign") {
          receiver.accept("steered", [rotation.next])
          rotation = { next: rotation.next, step: "receiver has changed", at: performance.now() }
        } else {
          // The end of the overlap, as it comes after a week.
          await database.db`
            update slotbase.webhooks set rotation_ends_at = slotbase.now()
            where id = ${ids.steered} and rotation_ends_at is not null`
          secret = rotation.next
          rotation = undefined
        }
      }
    },
    async finish({ ask, customers, ids }) {
      if (isPaused) await ask("POST", `${customers.at}/webhooks/${ids.steered}/resume`, undefined, [200])
      isPaused = false
      if (latest !== undefined) await ask("POST", `${customers.at}/replays/${latest}/resume`, undefined, [200, 409])
    },
  }
}

/** Begins a replay of what the webhook got lately; answers its id, or undefined when one is under way. */
export async function beginReplay({ ask, customers, ids, noted, database }: Desk): Promise<string | undefined> {
  // By the system's clock, which a fault may have moved.
  const [row] = await database.db<[{ since: Date }]>`
    select slotbase.now() - ${replayedMs}::integer * interval '1 ms' as since`
  const wanted = { since: row.since.toISOString(), ratePerSecond: replayRate }
  const { status, body } = await ask("POST", `${customers.at}/webhooks/${ids.steered}/replays`, wanted, [202, 409])
  if (status !== 202) return undefined
  const id = String(body.id)
  noted.replays.add(id)
  return id
}
