// The control line of a campaign process: the campaign can arm crash points in it, set its host clock wrong, and close
// its listener. The first message may come as an argument, for crash points that are passed during the start.

import { type Arming, arm } from "#base/crash-points.ts"

/** A message from the campaign to a process. */
export type ControlMessage =
  | { readonly arm: readonly Arming[] }
  | { readonly hostClockAheadMs: number }
  | "closeListener"

let aheadMs = 0

/** The host clock as this process sees it. The monotonic timer stays true, as on a host whose clock was set. */
const hostNow = () => RealDate.now() + aheadMs
const RealDate = Date
globalThis.Date = new Proxy(RealDate, {
  construct: (date, given) => (given.length === 0 ? new date(hostNow()) : Reflect.construct(date, given)),
  get: (date, name) => (name === "now" ? hostNow : Reflect.get(date, name)),
})

/** Every listener that the process has opened. */
const listeners: Bun.Server<unknown>[] = []
const { serve } = Bun
Bun.serve = ((options: Parameters<typeof serve>[0]) => {
  const listener = serve(options) as Bun.Server<unknown>
  listeners.push(listener)
  return listener
}) as typeof serve

function apply(message: ControlMessage): void {
  if (message === "closeListener") for (const listener of listeners.splice(0)) void listener.stop(true)
  else if ("arm" in message) arm(message.arm)
  else aheadMs = message.hostClockAheadMs
}

process.on("message", (message) => apply(message as ControlMessage))
const first = process.argv[2]
if (first !== undefined) apply(JSON.parse(first) as ControlMessage)
