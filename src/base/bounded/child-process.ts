/**
 * One child process and its limits. The parent kills the child at its limits of time and memory. The kernel ends it at
 * its limit of processor time, and together with its parent.
 *
 * A Worker was tried: it can be terminated in a busy loop. But its memory is the server's, without a limit, and its
 * crash ends the server. A child starts in 7 ms; with the parsers of media its first answer takes 55 to 90 ms.
 * The kernel's limit of memory (`ulimit -d`) was tried too. Bun reserves 6 GB that it never uses. Below that limit it
 * starts differently, and below 300 MB not at all.
 */
import { join } from "node:path"
import type { Subprocess } from "bun"
import type { ChildAnswer, ChildRequest } from "./protocol.ts"
import { watchMemory } from "./resident-memory.ts"

export interface ChildLimits {
  /** Resident memory, bytes; a child has 28 MB, and 45 to 65 MB with the parsers of media. */
  readonly memoryBytes: number
  /** Processor time of the child's whole life, seconds. */
  readonly cpuSeconds: number
}

/** How a task in a child ended. */
export type ChildOutcome =
  | ChildAnswer
  | { readonly timedOut: true }
  /** The child ended by itself, or somebody ended it; the signal, if there was one. */
  | { readonly died: NodeJS.Signals | null }

export class ChildProcess {
  readonly #process: Subprocess
  readonly #limits: ChildLimits
  #answer: ((answer: ChildAnswer) => void) | undefined
  /** The tasks so far. */
  tasks = 0

  /** Throws when the system starts no further process. */
  constructor(limits: ChildLimits) {
    this.#limits = limits
    this.#process = Bun.spawn(commandOf(limits), {
      // The child sees none of the server's variables: they hold secrets.
      env: childEnvironment,
      cwd: "/",
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      serialization: "json",
      ipc: (message) => this.#answer?.(message as ChildAnswer),
    })
    // A waiting child doesn't keep a process alive that has nothing else to do.
    this.#process.unref()
  }

  get pid(): number {
    return this.#process.pid
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Does a task. A child that did not answer in time is dead afterwards. */
  async run(request: ChildRequest, timeMs: number): Promise<ChildOutcome> {
    this.tasks++
    this.#process.ref()
    const late = Promise.withResolvers<ChildOutcome>()
    const timer = setTimeout(() => late.resolve({ timedOut: true }), timeMs)
    const memory = watchMemory(this.pid, this.#limits.memoryBytes, () => late.resolve({ outOfMemory: true }))
    const answered = new Promise<ChildOutcome>((resolve) => {
      this.#answer = resolve
    })
    const died = this.#process.exited.then(
      (): ChildOutcome => ({ died: this.#process.signalCode as NodeJS.Signals | null }),
    )
    try {
      if (this.isAlive) this.#process.send(request)
      const outcome = await Promise.race([answered, died, late.promise])
      if (!("done" in outcome || "failed" in outcome)) await this.end()
      return outcome
    } finally {
      clearTimeout(timer)
      memory.stop()
      this.#answer = undefined
      this.#process.unref()
    }
  }

  /** Ends the child at once, and resolves when its memory is free again. */
  async end(): Promise<void> {
    this.#process.kill("SIGKILL")
    await this.#process.exited
  }
}

const program = join(import.meta.dir, "child.ts")
// The zone is UTC. LiquidJS reads the clock on the wall through the process's own zone. Around a change of that zone's
// clocks it is wrong by an hour.
const childEnvironment = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0", DO_NOT_TRACK: "1", TZ: "UTC" }

/**
 * A shell sets the limits and becomes the child. A system without one of the limits goes on without it.
 *
 * - The child writes no file and leaves no core.
 * - For want of memory, Linux ends the child before it ends the server or the database.
 * - `--no-orphans` ends the child together with its parent, also in a busy loop.
 */
function commandOf({ cpuSeconds }: ChildLimits): string[] {
  const limits = [`-t ${cpuSeconds}`, "-f 0", "-c 0"].map((limit) => `ulimit ${limit} 2>/dev/null`)
  const script = `{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; ${limits.join("; ")}; exec "$@"`
  const flags = ["--smol", "--no-orphans", "--no-env-file", "--no-install"]
  return ["/bin/sh", "-c", script, "sh", process.execPath, ...flags, program]
}
