// An OpenAI-compatible service on the loopback. It keeps what it was asked, and answers what a test says.

export interface FakeAi {
  readonly url: string
  readonly asked: { readonly path: string; readonly key: string; readonly body: string }[]
  /** The next answers; without one, a good answer. */
  readonly instead: (Response | (() => Response | Promise<Response>))[]
  readonly stop: () => Promise<void>
}

export const spoken = "turn the shoulder earlier and work on the footwork"
const written = { text: "Please turn the shoulder earlier, {player}.", skills: ["Backhand", "Footwork"] }

/** An answer of `/chat/completions` whose content is this text. */
export const completion = (content: string, more: object = {}) =>
  Response.json({
    choices: [{ message: { role: "assistant", content }, finish_reason: "stop", ...more }],
    usage: { total_tokens: 120 },
  })

export function fakeAi(): FakeAi {
  const asked: FakeAi["asked"] = []
  const instead: FakeAi["instead"] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname
      const body = Buffer.from(await request.arrayBuffer()).toString("latin1")
      asked.push({ path, key: request.headers.get("idempotency-key") ?? "", body })
      const next = instead.shift()
      if (next) return typeof next === "function" ? next() : next
      if (path === "/v1/audio/transcriptions") return Response.json({ text: spoken, usage: { total_tokens: 80 } })
      return completion(JSON.stringify(written))
    },
  })
  return { url: `http://127.0.0.1:${server.port}/v1`, asked, instead, stop: () => server.stop(true) }
}
