// A process of the program under a supervisor. After each end the next process starts in its place, with the same name
// and address.

import { join } from "node:path"
import type { CrashPoint } from "#base/crash-points.ts"
import { freePort, rootKey } from "#test/harness/setup/system.ts"
import type { ControlMessage } from "./control.ts"

export type Role = "server" | "actors"

export interface Death {
  readonly process: string
  readonly pid: number
  /** On the monotonic timer, milliseconds. */
  readonly at: number
  readonly signal: string | null
  readonly code: number | null
}

export interface Supervision {
  /** Also the user name in the database. */
  readonly name: string
  readonly role: Role
  /** The file to run. */
  readonly program: string
  /** Connection string of the database. */
  readonly url: string
  readonly smtpUrl: string
  /** How long a process stays down. */
  readonly restartMs: number
  /** Each death is added here. */
  readonly deaths: Death[]
  /** A sentence is added here for each process that ended without being killed or asked to. */
  readonly gaveUp: string[]
}

export const askEveryMs = 25
const project = join(import.meta.dir, "../..")
const secretKey = Buffer.alloc(32, 7).toString("base64")
/** The least pause before a process that ended by itself is restarted, even where `restartMs` is 0. */
const pauseMs = 200
const keptOutput = 4_000

export class SupervisedProcess {
  readonly name: string
  readonly role: Role
  readonly address: string
  readonly #options: Supervision
  #child: Bun.Subprocess
  #isReady = false
  #deaths = 0
  /** The present process got SIGTERM. */
  #isAskedToEnd = false
  #isClosing = false
  #firstMessage: ControlMessage | undefined

  static async start(options: Supervision): Promise<SupervisedProcess> {
    return new SupervisedProcess(options, await freePort())
  }

  private constructor(options: Supervision, port: number) {
    this.#options = options
    this.name = options.name
    this.role = options.role
    this.address = `http://127.0.0.1:${port}`
    this.#child = this.#spawn()
  }

  isReady = () => this.#isReady
  pid = () => this.#child.pid
  /** How many processes have ended in this place. */
  deaths = () => this.#deaths

  /**
   * The process kills itself (SIGKILL) at the n-th passing of the point; with an event, at passings with that event.
   */
  arm(point: CrashPoint, nth: number, event?: string): void {
    this.#tell({ arm: [{ point, nth, ...(event !== undefined && { event }) }] })
  }

  disarm(): void {
    this.#tell({ arm: [] })
  }

  setHostClock(hostClockAheadMs: number): void {
    this.#tell({ hostClockAheadMs })
  }

  /** Its HTTP listener closes, and cuts every connection. */
  closeListener(): void {
    this.#tell("closeListener")
  }

  /** Gives the next process in this place a message before it starts. Later processes do not get it. */
  tellNext(message: ControlMessage): void {
    this.#firstMessage = message
  }

  signal(signal: NodeJS.Signals): void {
    this.#isAskedToEnd ||= signal === "SIGTERM"
    this.#child.kill(signal)
  }

  async stop(): Promise<void> {
    this.#isClosing = true
    this.#child.kill("SIGCONT")
    this.#child.kill("SIGKILL")
    await this.#child.exited
  }

  #spawn(): Bun.Subprocess {
    const { role, program, url, smtpUrl } = this.#options
    const message = this.#firstMessage === undefined ? [] : [JSON.stringify(this.#firstMessage)]
    this.#firstMessage = undefined
    this.#isReady = false
    this.#isAskedToEnd = false
    const child = Bun.spawn([process.execPath, program, ...message], {
      cwd: project,
      env: {
        ...process.env,
        DATABASE_URL: url,
        PORT: new URL(this.address).port,
        SLOTBASE_ROLE: role,
        SLOTBASE_ROOT_KEY: rootKey,
        SLOTBASE_SECRET_KEY: secretKey,
        SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8",
        SMTP_URL: smtpUrl,
      },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      ipc: () => {},
    })
    const said = endOf(child.stderr)
    void child.exited.then(() => this.#afterEnd(child, said))
    void this.#waitUntilReady(child)
    return child
  }

  /** Notes the death, then starts the next process. */
  async #afterEnd({ pid, exitCode, signalCode }: Bun.Subprocess, said: Promise<string>): Promise<void> {
    const { name, restartMs, deaths, gaveUp } = this.#options
    const at = performance.now()
    this.#isReady = false
    this.#deaths++
    deaths.push({ process: name, pid, at, signal: signalCode === null ? null : String(signalCode), code: exitCode })
    const endedAsAsked = this.#isAskedToEnd && (exitCode === 0 || signalCode === "SIGTERM")
    if (signalCode !== "SIGKILL" && !endedAsAsked) {
      gaveUp.push(`${name} ended with ${signalCode ?? exitCode}: ${reasonIn(await said)}`)
      await Bun.sleep(pauseMs)
    }
    await Bun.sleep(restartMs)
    if (!this.#isClosing) this.#child = this.#spawn()
  }

  async #waitUntilReady(child: Bun.Subprocess): Promise<void> {
    while (child.exitCode === null && child.signalCode === null) {
      const answer = await fetch(`${this.address}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(
        () => undefined,
      )
      if (answer?.status === 200 && child === this.#child) {
        this.#isReady = true
        return
      }
      await Bun.sleep(askEveryMs)
    }
  }

  #tell(message: ControlMessage): void {
    try {
      this.#child.send(message)
    } catch {
      // The process has just died.
    }
  }
}

/** The line of the output that names the error; without one, the last line. */
function reasonIn(said: string): string {
  const lines = said.trim().split("\n")
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "").trim()
}

/** The last output of a process. */
async function endOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let end = ""
  for await (const chunk of stream) end = (end + decoder.decode(chunk, { stream: true })).slice(-keptOutput)
  return end
}
