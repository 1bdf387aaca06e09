// Acts that end webhooks: made and deleted with deliveries that wait, and REST hooks whose receivers are gone.

import type { Act } from "./act.ts"

const events = ["booking.confirmed", "booking.cancelled"]

export interface Endings {
  /** Makes a webhook, pauses it, and deletes it: one step each time. */
  readonly makeOrDelete: Act
  /** Subscribes, and lets the receiver of the subscription be gone: one step each time. */
  readonly subscribeOrGo: Act
  /** Deletes what this has left paused. */
  readonly finish: Act
}

export function makeEndings(): Endings {
  let made = 0
  let doomed: { readonly id: string; isPaused: boolean } | undefined
  let hook: { readonly id: string; readonly name: string } | undefined

  const remove: Act = async ({ ask, customers, noted }) => {
    if (doomed === undefined) return
    const { id } = doomed
    doomed = undefined
    // 404: an earlier try has deleted it, and its answer was lost.
    await ask("DELETE", `${customers.at}/webhooks/${id}`, undefined, [200, 204, 404])
    noted.deleted.add(id)
  }

  return {
    async makeOrDelete(desk) {
      const { ask, customers, receiver, random } = desk
      if (doomed === undefined) {
        const name = `doomed-${++made}`
        const { body } = await ask(
          "POST",
          `${customers.at}/webhooks`,
          { name, url: receiver.urlOf(name), events },
          [201],
        )
        doomed = { id: String(body.id), isPaused: false }
      } else if (doomed.isPaused || random() < 0.3) await remove(desk)
      else {
        doomed.isPaused = true
        await ask("POST", `${customers.at}/webhooks/${doomed.id}/pause`, undefined, [200])
      }
    },
    async subscribeOrGo({ ask, customers, receiver, noted }) {
      if (hook === undefined) {
        const name = `hook-${++made}`
        const wanted = { hookUrl: receiver.urlOf(name), event: "booking.confirmed" }
        const { body } = await ask("POST", `${customers.at}/hooks/subscriptions`, wanted, [201])
        hook = { id: String(body.id), name }
      } else {
        receiver.setMood(hook.name, { isGone: true })
        noted.gone.add(hook.id)
        hook = undefined
      }
    },
    finish: remove,
  }
}
