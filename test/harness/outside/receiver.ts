// A webhook receiver on the loopback: it keeps every request, and gives the answers that the test sets.

export interface Received {
  readonly at: number
  readonly headers: Headers
  readonly body: string
  /** The address of the request. */
  readonly url: string
}

export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  readonly stop: () => Promise<void>
}

export function startReceiver(
  answer: (received: Received) => Response | Promise<Response> = () => new Response("ok"),
): Receiver {
  const received: Received[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const one = {
        at: performance.now(),
        url: request.url,
        headers: request.headers,
        body: await request.text(),
      }
      received.push(one)
      return answer(one)
    },
  })
  return { url: `http://127.0.0.1:${server.port}/hook`, received, stop: () => server.stop(true) }
}
