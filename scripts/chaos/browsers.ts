// Browsers that watch the club's bookings, one at each server. When a server is killed, its browser reconnects and
// resumes after the last frame that it saw. Each change of a booking must reach each browser, in the order of the log.
// Reminders are left out: they change no booking, and come only when the campaign lasts long enough.

import { rootKey } from "#test/harness/setup/system.ts"
import type { World } from "./world.ts"

export interface Browsers {
  /** Looks for missing and misplaced frames of the events after the position; answers a sentence for each mistake. */
  readonly check: (after: number) => Promise<readonly string[]>
  readonly stop: () => void
}

const reconnectAfterMs = 100
const seenWithinMs = 5_000
const pollMs = 20

export function startBrowsers(world: World): Browsers {
  const channel = `facility:${world.customers.facilityId}:bookings`
  const browsers = world.processes.of("server").map(({ name, address }) => openBrowser(name, address, channel))
  return {
    async check(after) {
      const rows = await world.database.db<{ position: number }[]>`
        select position from slotbase.event_positions
        where position > ${after} and facility_id = ${world.customers.facilityId}
          and type like 'booking.%' and type not like 'booking.reminder.%'`
      const troubles: string[] = []
      for (const browser of browsers) {
        const joined = await Promise.race([browser.joined, Bun.sleep(seenWithinMs).then(() => undefined)])
        const due = rows.map(({ position }) => position).filter((position) => position > (joined ?? 0))
        const deadline = performance.now() + seenWithinMs
        while (browser.missed(due).length > 0 && performance.now() < deadline) await Bun.sleep(pollMs)
        const missed = browser.missed(due)
        if (missed.length > 0)
          troubles.push(
            `a browser at ${browser.name} has missed ${missed.length} of ${due.length} frames, first ${missed[0]}`,
          )
        troubles.push(...browser.mistakes.splice(0))
      }
      return troubles
    },
    stop() {
      for (const browser of browsers) browser.close()
    },
  }
}

interface Frame {
  readonly type: string
  readonly position?: string
}

function openBrowser(name: string, address: string, channel: string) {
  const seen = new Set<number>()
  const mistakes: string[] = []
  const joined = Promise.withResolvers<number>()
  let closed = false
  let last = 0
  let socket = connect()

  function connect(): WebSocket {
    const next = new WebSocket(`${address.replace("http", "ws")}/v1/live`, ["slotbase.v1", `bearer.${rootKey}`])
    next.onmessage = ({ data }) => receive(next, JSON.parse(String(data)) as Frame)
    next.onclose = () => {
      if (!closed) setTimeout(reconnect, reconnectAfterMs)
    }
    return next
  }

  function reconnect(): void {
    if (!closed) socket = connect()
  }

  function receive(from: WebSocket, frame: Frame): void {
    const position = Number(frame.position)
    if (frame.type === "ready") {
      const after = last === 0 ? {} : { after: String(last) }
      from.send(JSON.stringify({ type: "subscribe", channel, ...after }))
    } else if (frame.type === "subscribed" && last === 0) {
      last = position
      joined.resolve(position)
    } else if (frame.type === "resync") {
      mistakes.push(`${name} told a browser at ${last} to fetch anew`)
      last = position
    } else if (frame.type === "booking.update") {
      if (position <= last) mistakes.push(`${name} showed position ${position} after ${last}`)
      last = Math.max(last, position)
      seen.add(position)
    }
  }

  return {
    name,
    mistakes,
    joined: joined.promise,
    missed: (positions: readonly number[]) => positions.filter((position) => !seen.has(position)),
    close: () => {
      closed = true
      socket.close()
    },
  }
}
