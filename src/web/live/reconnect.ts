/** Whether and when to come back after a connection has ended. docs/live.md has the table of the close codes. */

export type AfterClose = "soon" | "spread" | "later" | "renew" | "end"

/**
 * The meaning of a close code. Codes of the server from 4400 on are like HTTP's from 400 on: the same again would be
 * refused again. Without a close frame (1006) the connection was lost, or the client was too slow: it resumes.
 */
export function afterClose(code: number): AfterClose {
  if (code === 4401) return "renew"
  if (code === 4429) return "later"
  if (code === 4009 || code === 1001 || code === 1012) return "spread"
  return final.has(code) || (code >= 4400 && code < 4500) ? "end" : "soon"
}

/**
 * A random wait, so that the clients of a process that has ended do not come back at once.
 * @param failures attempts in a row that did not last
 */
export function retryMs(after: AfterClose, failures: number): number {
  const random = Math.random()
  if (after === "later") return 30_000 + random * 30_000
  if (after === "renew") return 0
  const first = after === "spread" ? 4_000 : 1_000
  const most = Math.min(30_000, first * 2 ** Math.min(10, Math.max(0, failures - 1)))
  return Math.round(random * most)
}

/** A connection that lasted so long was a good one. */
export const steadyMs = 10_000

/** 1000: done. The others: the client breaks the protocol, is refused by a rule, or has sent too big a frame. */
const final: ReadonlySet<number> = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010])
