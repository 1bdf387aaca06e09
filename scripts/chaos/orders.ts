// What a process of the fault campaign obeys: it can be told to die at a named point, and to believe a wrong host clock. Its first
// order may come as an argument, for points of the start.

import { type Arming, arm } from "#base/crash-points.ts"

/** What the campaign may tell a victim. */
export type Order = { readonly arm: readonly Arming[] } | { readonly hostClockAheadMs: number }

let aheadMs = 0

/** The host's clock as this process sees it; the monotonic timer stays true, as on a host whose clock was set. */
const hostNow = () => RealDate.now() + aheadMs
const RealDate = Date
globalThis.Date = new Proxy(RealDate, {
  construct: (date, given) => (given.length === 0 ? new date(hostNow()) : Reflect.construct(date, given)),
  get: (date, name) => (name === "now" ? hostNow : Reflect.get(date, name)),
})

function obey(order: Order): void {
  if ("arm" in order) arm(order.arm)
  else aheadMs = order.hostClockAheadMs
}

process.on("message", (order) => obey(order as Order))
const first = process.argv[2]
if (first !== undefined) obey(JSON.parse(first) as Order)
