/**
 * A hint wakes the workers of a queue. A hint carries nothing and may be lost: every worker also polls at an interval.
 * Inside the process a hint is a call. To other processes it is a NOTIFY, sent on the pool after the commit, and
 * coalesced. A NOTIFY inside the business transaction would take a lock of the whole cluster at commit. Only the
 * dispatcher sends its hints inside its transaction (slotbase.turn), because its turns come one after the other anyway.
 */
import type { Db } from "./database/db.ts"
import { throttled } from "./throttle.ts"

/**
 * - outbox: events were recorded
 * - log: events got positions, runs and deliveries
 * - deliveries: some of these deliveries are not claimed yet
 * - subscriptions: webhooks changed
 * - jobs: a job's run was requested, its tick has come, or it has ended
 * - schedules: a schedule of a job was paused, resumed or made
 * - messages: messages to people were recorded
 * - media: files wait to be processed
 * - calendars: bookings are to be pushed to calendars, or a calendar was changed
 * - clock: the movable clock of a demo or of a test was moved
 */
export type Hint =
  | "outbox"
  | "log"
  | "deliveries"
  | "subscriptions"
  | "jobs"
  | "schedules"
  | "messages"
  | "media"
  | "calendars"
  | "clock"

/**
 * At most one NOTIFY per hint in this time; the first is sent at once. Each NOTIFY is a transaction and wakes every
 * process. The webhooks of an event wait for its hint. With 10 ms in place of 4, their first byte came some 4 ms later
 * at 200 events a second.
 */
const apartMs = 4
const channel = "slotbase_hint"
const listeners = new Map<Hint, Set<() => void>>()
/** Names this process in its hints, so that it does not hear them again. */
export const hintOrigin = crypto.randomUUID()

/** Calls `wake` on every hint of that name. Returns a function that ends this. */
export function onHint(hint: Hint, wake: () => void): () => void {
  const set = listeners.get(hint) ?? new Set()
  listeners.set(hint, set.add(wake))
  return () => set.delete(wake)
}

/** Sends a hint inside this process and, if the process is connected, to all others. */
export function sendHint(hint: Hint): void {
  hintHere(hint)
  for (const send of senders) send(hint)
}

/** Sends a hint inside this process only: the others are told by the transaction itself. */
export function hintHere(hint: Hint): void {
  for (const wake of listeners.get(hint) ?? []) wake()
}

const senders = new Set<(hint: Hint) => void>()

/**
 * Exchanges hints with the other processes on this database. Resolves when listening, with a function that ends this.
 */
export async function connectHints(db: Db): Promise<() => Promise<void>> {
  let ended = false
  const notify = (hint: Hint) => {
    // A lost NOTIFY costs at most one polling interval.
    if (!ended) db.notify(channel, `${hintOrigin} ${hint}`).catch(() => {})
  }
  const sends = new Map<Hint, () => void>()
  const send = (hint: Hint) => {
    const known = sends.get(hint) ?? throttled(() => notify(hint), apartMs)
    sends.set(hint, known)
    known()
  }
  const wakeAll = () => {
    for (const hint of listeners.keys()) hintHere(hint)
  }
  const listening = await db.listen(
    channel,
    (payload) => {
      const [from, hint] = payload.split(" ")
      if (from !== hintOrigin) hintHere(hint as Hint)
    },
    wakeAll, // after a reconnection, hints may have been missed
  )
  senders.add(send)
  return async () => {
    senders.delete(send)
    ended = true
    await listening.unlisten()
  }
}
