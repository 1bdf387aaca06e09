// The control line of a campaign process: the campaign can arm crash points in it, and set its host clock wrong. The
// first message may come as an argument, for crash points that are passed during the start.

import { type Arming, arm } from "#base/crash-points.ts"

/** A message from the campaign to a process. */
export type ControlMessage = { readonly arm: readonly Arming[] } | { readonly hostClockAheadMs: number }

let aheadMs = 0

/** The host clock as this process sees it. The monotonic timer stays true, as on a host whose clock was set. */
const hostNow = () => RealDate.now() + aheadMs
const RealDate = Date
globalThis.Date = new Proxy(RealDate, {
  construct: (date, given) => (given.length === 0 ? new date(hostNow()) : Reflect.construct(date, given)),
  get: (date, name) => (name === "now" ? hostNow : Reflect.get(date, name)),
})

function apply(message: ControlMessage): void {
  if ("arm" in message) arm(message.arm)
  else aheadMs = message.hostClockAheadMs
}

process.on("message", (message) => apply(message as ControlMessage))
const first = process.argv[2]
if (first !== undefined) apply(JSON.parse(first) as ControlMessage)
