/**
 * Work with a limit runs where it can be stopped. Third-party code that reads what strangers send runs as a task in a
 * child process, which is killed at its limit of time or memory. A task is a module whose default export takes an input
 * and answers a value, both JSON.
 *
 * - Children are warm: one that answered waits for the next task. A child is replaced after a number of tasks.
 * - The tasks that run at once are bounded, the waiting ones too, and each owner has a share of the places.
 * - When a child dies without reaching a limit, its task runs once more, in a fresh child.
 */
import { type Turns, turns } from "#base/limits/table.ts"
import { TurnQueue } from "#base/limits/turn-queue.ts"
import { type ChildLimits, type ChildOutcome, ChildProcess } from "./child-process.ts"

export interface BoundedTask<Input, Output> {
  /** The absolute path of the module. */
  readonly module: string
  /** Of the work itself, without the wait for a turn, milliseconds. */
  readonly timeMs: number
  /** Checks the answer, because the child has read strangers' bytes. Throws when the answer is not of the form. */
  readonly decode: (answer: unknown) => Output
  /** Never read; it ties the type of the input to the task. */
  readonly input?: Input
}

/**
 * Why a task has no answer:
 *
 * - time, memory: the limit ended it
 * - crash: it ended its process, or threw, or its answer is not of the form
 * - killed: somebody else ended its process twice, such as the system for want of memory
 * - start: the system starts no further process
 */
export type BoundedFailure = "time" | "memory" | "crash" | "killed" | "start"

export class NotDone extends Error {
  readonly _tag = "NotDone"
  constructor(
    readonly reason: BoundedFailure,
    detail = "",
  ) {
    super(`A task in a child process ended without an answer: ${reason}${detail && ` (${detail})`}.`)
  }
}

export interface PoolLimits extends ChildLimits {
  readonly turns: Turns
  readonly tasksOfOneChild: number
  /** How long a child waits for its next task, milliseconds. */
  readonly idleMs: number
}

export const poolLimits: PoolLimits = {
  turns: turns.childTask,
  // A child with the parsers of media holds 45 to 65 MB; a large file is read in pieces.
  memoryBytes: 512 * 1024 * 1024,
  // A task has seconds. This limit is for a child whose parent can't kill it any more.
  cpuSeconds: 60,
  // Bounds what a leak of a parser, or something that it kept of an earlier file, can do.
  tasksOfOneChild: 100,
  // A waiting child holds 45 to 65 MB.
  idleMs: 30_000,
}

/**
 * Does a task in a child of this process.
 * @param owner whose turn it is: a facility, or the part of the program that asks
 * @throws NotDone; TooMany when the owner or all owners together wait for too many tasks
 */
export function runBounded<Input, Output>(
  task: BoundedTask<Input, Output>,
  input: Input,
  owner: string,
): Promise<Output> {
  pool ??= new ChildPool(poolLimits)
  return pool.run(task, input, owner)
}

let pool: ChildPool | undefined

/** How many tasks of this process ended in each way, for the metrics. */
export const boundedOutcomes: Record<"done" | BoundedFailure, number> = {
  done: 0,
  time: 0,
  memory: 0,
  crash: 0,
  killed: 0,
  start: 0,
}

/** The children of one process. */
export class ChildPool {
  readonly #limits: PoolLimits
  readonly #turns: TurnQueue
  readonly #living = new Set<ChildProcess>()
  readonly #idle: ChildProcess[] = []
  readonly #timers = new Map<ChildProcess, Timer>()
  #isClosed = false

  constructor(limits: PoolLimits) {
    this.#limits = limits
    this.#turns = new TurnQueue(limits.turns)
  }

  async run<Input, Output>(task: BoundedTask<Input, Output>, input: Input, owner: string): Promise<Output> {
    try {
      const output = await this.#answer(task, input, owner)
      boundedOutcomes.done++
      return output
    } catch (error) {
      if (error instanceof NotDone) boundedOutcomes[error.reason]++
      throw error
    }
  }

  async #answer<Input, Output>(task: BoundedTask<Input, Output>, input: Input, owner: string): Promise<Output> {
    const outcome = await this.#turns.run(owner, () => this.#attempts(task, input))
    if (!("done" in outcome)) throw notDone(outcome)
    try {
      return task.decode(outcome.done)
    } catch {
      throw new NotDone("crash", "an answer of another form")
    }
  }

  /** The process ids of the children, the working and the waiting ones. */
  get pids(): readonly number[] {
    return [...this.#living].filter(({ isAlive }) => isAlive).map(({ pid }) => pid)
  }

  /** Ends all children; a task that is under way ends with "killed". */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const child of this.#idle.splice(0)) this.#leave(child)
    await Promise.all([...this.#living].map((child) => child.end()))
  }

  async #attempts<Input>({ module, timeMs }: BoundedTask<Input, unknown>, input: Input): Promise<ChildOutcome> {
    const first = await this.#attempt(this.#take(), { module, input }, timeMs)
    if (!("died" in first)) return first
    // The death may come from outside, or from an earlier task.
    return this.#attempt(this.#start(), { module, input }, timeMs)
  }

  async #attempt(
    child: ChildProcess,
    request: { module: string; input: unknown },
    timeMs: number,
  ): Promise<ChildOutcome> {
    const outcome = await child.run(request, timeMs)
    if (child.isAlive) this.#keep(child)
    else this.#living.delete(child)
    return outcome
  }

  #take(): ChildProcess {
    for (let child = this.#idle.pop(); child; child = this.#idle.pop()) {
      if (this.#leave(child).isAlive) return child
      this.#living.delete(child)
    }
    return this.#start()
  }

  #start(): ChildProcess {
    if (this.#isClosed) throw new NotDone("killed")
    try {
      const child = new ChildProcess(this.#limits)
      this.#living.add(child)
      return child
    } catch (error) {
      throw new NotDone("start", (error as Error).message)
    }
  }

  #keep(child: ChildProcess): void {
    if (child.tasks >= this.#limits.tasksOfOneChild) {
      this.#end(child)
      return
    }
    const timer = setTimeout(() => {
      this.#idle.splice(this.#idle.indexOf(child), 1)
      this.#end(this.#leave(child))
    }, this.#limits.idleMs)
    timer.unref()
    this.#timers.set(child, timer)
    this.#idle.push(child)
  }

  #end(child: ChildProcess): void {
    this.#living.delete(child)
    void child.end()
  }

  /** Takes the child out of the waiting ones. */
  #leave(child: ChildProcess): ChildProcess {
    clearTimeout(this.#timers.get(child))
    this.#timers.delete(child)
    return child
  }
}

function notDone(outcome: Exclude<ChildOutcome, { readonly done: unknown }>): NotDone {
  if ("timedOut" in outcome) return new NotDone("time")
  if ("outOfMemory" in outcome) return new NotDone("memory")
  if ("failed" in outcome) return new NotDone("crash", outcome.failed)
  return outcome.died === "SIGKILL" || outcome.died === "SIGTERM"
    ? new NotDone("killed")
    : new NotDone("crash", outcome.died ?? "")
}
