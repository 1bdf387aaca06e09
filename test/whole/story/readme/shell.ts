// A shell as a newcomer opens it: no Bun on the PATH, no variables but those that were pasted into it.

import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { eventually } from "#test/harness/setup/eventually.ts"

export class Shell {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">
  #output = ""
  #pasted = 0

  constructor(folder: string, variables: Record<string, string>) {
    // A process group of its own, as a terminal gives one: Ctrl-C reaches all that runs in it.
    this.#child = Bun.spawn(["sh"], {
      cwd: folder,
      env: { PATH: pathWithoutBun(), HOME: folder, ...ofTheRun(), ...variables },
      detached: true,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) void this.#read(stream)
  }

  get output(): string {
    return this.#output
  }

  /** Pastes lines whose last one goes on running. */
  run(lines: string): void {
    this.#child.stdin.write(`${lines}\n`)
    this.#child.stdin.flush()
  }

  /** Pastes lines and answers their output until they have ended; background programs may print in between. */
  async paste(lines: string): Promise<string> {
    const from = this.#output.length
    const end = `[end of paste ${++this.#pasted}]`
    this.run(`${lines}\necho; echo '${end}'`)
    await this.sees(end)
    return this.#output.slice(from, this.#output.indexOf(end, from)).trim()
  }

  async sees(text: string, withinMs = 90_000): Promise<void> {
    await eventually(
      () => {
        if (!this.#output.includes(text)) throw new Error(`"${text}" was not printed:\n${this.#output}`)
      },
      { withinMs },
    )
  }

  /** Ends the shell and everything that runs in it. */
  async end(signal: "SIGINT" | "SIGTERM"): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-this.#child.pid, signal)
    await this.#child.exited
    await this.#closed
  }

  #closed: Promise<unknown> = Promise.resolve()

  #read(stream: ReadableStream<Uint8Array>): void {
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of stream) this.#output += decoder.decode(chunk, { stream: true })
    })()
    this.#closed = Promise.all([this.#closed, reading])
  }
}

const pathWithoutBun = () =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !existsSync(join(folder, "bun")))
    .join(delimiter)

/** `./scripts/test` finds processes that were left behind by this variable. */
function ofTheRun(): Record<string, string> {
  const run = process.env.SLOTBASE_TEST_RUN
  return run === undefined ? {} : { SLOTBASE_TEST_RUN: run }
}
