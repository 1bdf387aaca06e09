/**
 * A hint wakes the workers of a queue. A hint carries nothing and may be lost: every worker also polls at an interval.
 * Inside the process a hint is a call. To other processes it is a NOTIFY, sent on the pool after the commit, and
 * coalesced. A NOTIFY inside the business transaction would take a lock of the whole cluster at commit.
 */
import type { Db } from "./database/db.ts"

/**
 * - outbox: events were recorded
 * - log: events got positions, runs and deliveries
 * - subscriptions: webhooks changed
 * - jobs: a job's run was requested, or has ended
 * - messages: messages to people were recorded
 */
export type Hint = "outbox" | "log" | "subscriptions" | "jobs" | "messages"

/**
 * At most one NOTIFY per hint in this time; the first is sent at once. Each NOTIFY is a transaction and wakes every
 * process. Coalescing costs nothing: a woken process is still busy with the first hint.
 */
const coalesceMs = 10
const channel = "slotbase_hint"
const listeners = new Map<Hint, Set<() => void>>()
const origin = crypto.randomUUID()

/** Calls `wake` on every hint of that name. Returns a function that ends this. */
export function onHint(hint: Hint, wake: () => void): () => void {
  const set = listeners.get(hint) ?? new Set()
  listeners.set(hint, set.add(wake))
  return () => set.delete(wake)
}

/** Sends a hint inside this process and, if the process is connected, to all others. */
export function sendHint(hint: Hint): void {
  wakeListeners(hint)
  for (const send of senders) send(hint)
}

const wakeListeners = (hint: Hint) => {
  for (const wake of listeners.get(hint) ?? []) wake()
}

const senders = new Set<(hint: Hint) => void>()

/**
 * Exchanges hints with the other processes on this database. Resolves when listening, with a function that ends this.
 */
export async function connectHints(db: Db): Promise<() => Promise<void>> {
  const throttled = new Map<Hint, { timer: Timer; again: boolean }>()
  const send = (hint: Hint) => {
    const present = throttled.get(hint)
    if (present) {
      present.again = true
      return
    }
    const timer = setTimeout(() => {
      const again = throttled.get(hint)?.again
      throttled.delete(hint)
      if (again) send(hint)
    }, coalesceMs)
    throttled.set(hint, { timer, again: false })
    // A lost NOTIFY costs at most one polling interval.
    db.notify(channel, `${origin} ${hint}`).catch(() => {})
  }
  const wakeAll = () => {
    for (const hint of listeners.keys()) wakeListeners(hint)
  }
  const listening = await db.listen(
    channel,
    (payload) => {
      const [from, hint] = payload.split(" ")
      if (from !== origin) wakeListeners(hint as Hint)
    },
    wakeAll, // after a reconnection, hints may have been missed
  )
  senders.add(send)
  return async () => {
    senders.delete(send)
    for (const { timer } of throttled.values()) clearTimeout(timer)
    await listening.unlisten()
  }
}
