/**
 * Hints say "look now" to whoever works a queue. They carry nothing and may be lost: every reader has a floor on which
 * it looks anyway. Inside the process a hint is a call; to other processes it is a NOTIFY, sent after the commit, on
 * the pool, and coalesced: notifying inside the business transaction takes a lock of the whole cluster at commit.
 */
import type { Db } from "./database/db.ts"

/**
 * outbox: events were recorded · log: events got positions, runs and deliveries · subscriptions: webhooks changed · jobs: a run
 * of a job was asked for, or has ended.
 */
export type Hint = "outbox" | "log" | "subscriptions" | "jobs"

/**
 * At most one NOTIFY per hint in this time; the first is sent at once. Each is a transaction of its own and wakes every
 * process, on the machine that is just then busy; who hears the second one later has the first one's work to do.
 */
const coalesceMs = 10
const channel = "slotbase_hint"
const listeners = new Map<Hint, Set<() => void>>()
const origin = crypto.randomUUID()

/** Calls `look` on every hint of that name; returns how to stop. */
export function onHint(hint: Hint, look: () => void): () => void {
  const set = listeners.get(hint) ?? new Set()
  listeners.set(hint, set.add(look))
  return () => set.delete(look)
}

/** Raises a hint in this process and, if the process is connected, in all others. */
export function sendHint(hint: Hint): void {
  call(hint)
  for (const tell of tellers) tell(hint)
}

const call = (hint: Hint) => {
  for (const look of listeners.get(hint) ?? []) look()
}

const tellers = new Set<(hint: Hint) => void>()

/** Exchanges hints with the other processes on this database; resolves when listening. Returns how to stop. */
export async function connectHints(db: Db): Promise<() => Promise<void>> {
  const quiet = new Map<Hint, { timer: Timer; again: boolean }>()
  const tell = (hint: Hint) => {
    const present = quiet.get(hint)
    if (present) {
      present.again = true
      return
    }
    const timer = setTimeout(() => {
      const again = quiet.get(hint)?.again
      quiet.delete(hint)
      if (again) tell(hint)
    }, coalesceMs)
    quiet.set(hint, { timer, again: false })
    // A lost notification costs at most the floor of its readers.
    db.notify(channel, `${origin} ${hint}`).catch(() => {})
  }
  const everyone = () => {
    for (const hint of listeners.keys()) call(hint)
  }
  const listening = await db.listen(
    channel,
    (payload) => {
      const [from, hint] = payload.split(" ")
      if (from !== origin) call(hint as Hint)
    },
    everyone, // after a reconnection, whatever was missed is looked for
  )
  tellers.add(tell)
  return async () => {
    tellers.delete(tell)
    for (const { timer } of quiet.values()) clearTimeout(timer)
    await listening.unlisten()
  }
}
