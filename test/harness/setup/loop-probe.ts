// Loaded into the program by `bun --preload`. It measures how long its event loop is held: the most processor time that
// the main thread uses between two turns of a timer. Processor time does not grow when the machine is busy with other
// work, as the time of a clock does. LOOP_PROBE_PORT answers the figure, and begins anew.

let longestMs = 0
let before = usedMs()

setInterval(turn, 1)

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.LOOP_PROBE_PORT),
  fetch({ url }) {
    if (url.endsWith("/hold")) return hold()
    turn()
    const answer = String(longestMs)
    longestMs = 0
    return new Response(answer)
  },
})

function turn(): void {
  const now = usedMs()
  longestMs = Math.max(longestMs, now - before)
  before = now
}

/** What the probe must see. */
function hold(): Response {
  for (const until = usedMs() + 100; usedMs() < until; ) {}
  return new Response()
}

function usedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
