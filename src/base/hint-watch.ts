/**
 * The supervisor of the connection on which hints of other processes arrive. It sends notifications to itself. When
 * they do not come back, the connection is replaced: it may be half open, or its backend stopped. Meanwhile the polling
 * of the actors does the work.
 */
import type { Db } from "./database/db.ts"
import { connectHints } from "./hints.ts"
import { parts } from "./parts.ts"

export const hintsPart = "hints"

const sendEveryMs = 1_500
/** A notification comes back within milliseconds. With so many in a row missing, the connection is dead. */
const missedAtMost = 2

/** Exchanges hints with the other processes, and keeps that working. Resolves when listening. */
export async function superviseHints(db: Db): Promise<() => Promise<void>> {
  // A channel of its own: the notifications wake no other process.
  const channel = `slotbase_echo_${crypto.randomUUID()}`
  let [missed, busy, ended] = [-1, false, false]

  const open = async () => {
    const disconnect = await connectHints(db)
    await db.listen(channel, () => {
      // The notification may be heard before its sender knows that it was sent.
      missed = -1
    })
    return disconnect
  }

  let disconnect = await open()
  parts.well(hintsPart)

  async function replace(): Promise<void> {
    parts.restarting(hintsPart, "The connection that hears of other processes is replaced.")
    await db.endListening()
    await disconnect().catch(() => {})
    disconnect = await open()
    missed = -1
    parts.restarted(hintsPart)
    parts.well(hintsPart)
  }

  const timer = setInterval(async () => {
    if (busy) return
    busy = true
    try {
      if (missed >= missedAtMost) await replace()
      await db.notify(channel, "")
      missed++
    } catch {
      // The database is away: that is no fault of the listening connection.
    } finally {
      busy = false
    }
  }, sendEveryMs)

  return async () => {
    if (ended) return
    ended = true
    clearInterval(timer)
    parts.forget(hintsPart)
    await disconnect()
  }
}
