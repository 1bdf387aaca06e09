// A process of a benchmark that answers each line of JSON with one line of JSON. Load generators and clients run in
// such processes, so that their work does not count as the server's.

import { owned } from "./running.ts"

export interface LineProcess {
  readonly pid: number
  /** Sends one order, and waits for its answer. Rejects when the process has ended. */
  readonly ask: <Answer>(order: object) => Promise<Answer>
  readonly end: () => Promise<void>
}

export function startLineProcess(file: string): LineProcess {
  const child = owned(Bun.spawn([process.execPath, file], { stdin: "pipe", stdout: "pipe", stderr: "inherit" }))
  const lines = linesOf(child.stdout)
  return {
    pid: child.pid,
    ask: async <Answer>(order: object) => {
      child.stdin.write(`${JSON.stringify(order)}\n`)
      await child.stdin.flush()
      const { value } = await lines.next()
      if (value === undefined) throw new Error(`${file} has ended`)
      return JSON.parse(value) as Answer
    },
    end: async () => {
      child.kill()
      await child.exited
    },
  }
}

/** The loop inside such a process: answers every line of standard input. */
export async function answerLines<Order>(answer: (order: Order) => Promise<object>): Promise<void> {
  for await (const line of console) console.log(JSON.stringify(await answer(JSON.parse(line) as Order)))
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let text = ""
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end)
      text = text.slice(end + 1)
    }
  }
}
