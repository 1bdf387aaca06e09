// Browsers that watch the club's bookings, one at each server. When a server dies they come back and resume after the last
// frame that they saw; each change of a booking must reach each of them, in the order of the log, with nothing missed.
// Reminders change nothing, and come when the campaign lasts long enough.

import { rootKey } from "#test/harness/setup/system.ts"
import type { World } from "./world.ts"

export interface Spectator {
  /** What is wrong with the frames of the events after the position, as sentences. */
  readonly check: (after: number) => Promise<readonly string[]>
  readonly stop: () => void
}

const againAfterMs = 100
const seenWithinMs = 5_000
const pollMs = 20

export function startSpectator(world: World): Spectator {
  let stopped = false
  const browsers = world.crew.of("server").map(({ name, address }) => watch(name, address))

  function watch(name: string, address: string) {
    const seen = new Set<number>()
    const wrong: string[] = []
    let [last, socket] = [0, open()]
    const joined = Promise.withResolvers<number>()

    function open(): WebSocket {
      const next = new WebSocket(`${address.replace("http", "ws")}/v1/live`, ["slotbase.v1", `bearer.${rootKey}`])
      next.onmessage = ({ data }) => hear(next, JSON.parse(String(data)))
      next.onclose = () => {
        if (!stopped)
          setTimeout(() => {
            if (!stopped) socket = open()
          }, againAfterMs)
      }
      return next
    }

    function hear(from: WebSocket, frame: { type: string; position?: string }): void {
      const position = Number(frame.position)
      if (frame.type === "ready") {
        const after = last === 0 ? {} : { after: String(last) }
        from.send(
          JSON.stringify({ type: "subscribe", channel: `facility:${world.customers.facilityId}:bookings`, ...after }),
        )
      } else if (frame.type === "subscribed" && last === 0) {
        last = position
        joined.resolve(position)
      } else if (frame.type === "resync") {
        wrong.push(`${name} told a browser at ${last} to fetch anew`)
        last = position
      } else if (frame.type === "booking.update") {
        if (position <= last) wrong.push(`${name} showed position ${position} after ${last}`)
        last = Math.max(last, position)
        seen.add(position)
      }
    }

    const missed = (positions: readonly number[]) => positions.filter((position) => !seen.has(position))
    return { name, wrong, joined: joined.promise, missed, close: () => socket.close() }
  }

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
        troubles.push(...browser.wrong.splice(0))
      }
      return troubles
    },
    stop() {
      stopped = true
      for (const browser of browsers) browser.close()
    },
  }
}
