// Tasks in child processes: what a limit ends is gone, the next task works, and this process answers meanwhile.

import { afterEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { ChildProcess } from "#base/bounded/child-process.ts"
import { type BoundedTask, ChildPool, NotDone, type PoolLimits, poolLimits } from "#base/bounded/run-bounded.ts"
import type { Db } from "#base/database/db.ts"
import { TooMany } from "#base/errors.ts"
import { scrape } from "#events/metrics.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const mib = 1024 * 1024
const busyMs = 120_000
const taskOf = <Input>(name: string, timeMs = 20_000): BoundedTask<Input, unknown> => ({
  module: join(import.meta.dir, "tasks", `${name}.ts`),
  timeMs,
  decode: (answer) => answer,
})
const answer: BoundedTask<{ say: string }, { say: string; pid: number; variables: string[]; folder: string }> = {
  ...taskOf("answer"),
  decode: (found) => found as { say: string; pid: number; variables: string[]; folder: string },
}

let pool: ChildPool
const open = (limits: Partial<PoolLimits> = {}) => {
  pool = new ChildPool({ ...poolLimits, ...limits })
  return pool
}
afterEach(() => pool.close())

const isThere = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const failure = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof NotDone ? error.reason : error
}
/** The process id of the one child that works. */
const worker = () =>
  eventually(() => {
    const [pid, ...more] = pool.pids
    if (pid === undefined || more.length > 0) throw new Error(`${pool.pids.length} children`)
    return pid
  })

describe("a child", () => {
  test("answers, and the same warm child does the next task", async () => {
    open()
    const first = await pool.run(answer, { say: "one" }, "a")
    const second = await pool.run(answer, { say: "two" }, "b")
    expect([first.say, second.say]).toEqual(["one", "two"])
    expect(second.pid).toBe(first.pid)
    expect(first.pid).not.toBe(process.pid)
    expect(pool.pids).toEqual([first.pid])
  })

  test("sees none of this process's variables and not its folder", async () => {
    process.env.SLOTBASE_SECRET_KEY_OF_A_TEST = "secret"
    const { variables, folder } = await open().run(answer, { say: "what do you see?" }, "a")
    delete process.env.SLOTBASE_SECRET_KEY_OF_A_TEST
    // The shell that sets the limits adds variables of its own.
    const ofTheShell = ["PWD", "OLDPWD", "SHLVL", "_"]
    const own = [
      "BUN_FEATURE_FLAG_NO_ORPHANS",
      "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
      "DO_NOT_TRACK",
      "NODE_CHANNEL_FD",
      "NODE_CHANNEL_SERIALIZATION_MODE",
      "TZ",
    ]
    expect(variables.filter((name) => ![...ofTheShell, ...own].includes(name))).toEqual([])
    expect(folder).toBe("/")
  })

  test("is replaced after its number of tasks, and ends when no task comes", async () => {
    open({ tasksOfOneChild: 2, idleMs: 50 })
    const pids: number[] = []
    for (let i = 0; i < 3; i++) pids.push((await pool.run(answer, { say: "" }, "a")).pid)
    expect(new Set(pids).size).toBe(2)
    expect(pids[0]).toBe(pids[1] as number)
    await eventually(() => expect(pids.filter(isThere)).toEqual([]))
    expect(pool.pids).toEqual([])
  })

  test("two children work at once and never more, one for each of two owners", async () => {
    open()
    const run = (_: unknown, i: number) => pool.run(answer, { say: String(i) }, `owner ${i % 2}`)
    const all = await Promise.all(Array.from({ length: 20 }, run))
    expect(all.map(({ say }) => Number(say))).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(new Set(all.map(({ pid }) => pid)).size).toBe(2)
  })
})

describe("a limit ends the work itself", () => {
  test("of time: a task that never ends is killed, its process is gone, and the next task works", async () => {
    open()
    const looping = failure(pool.run(taskOf("loop", 300), {}, "a"))
    const pid = await worker()
    expect(await looping).toBe("time")
    expect(isThere(pid)).toBe(false)
    expect((await pool.run(answer, { say: "still here" }, "a")).say).toBe("still here")
  })

  for (const kind of ["bytes", "objects"] as const) {
    test(`of memory: a task that takes ${kind} without end is ended, and its memory is free`, async () => {
      open({ memoryBytes: 256 * mib })
      const taking = failure(pool.run(taskOf("allocate"), { kind }, "a"))
      const pid = await worker()
      expect(await taking).toBe("memory")
      expect(isThere(pid)).toBe(false)
      expect((await pool.run(answer, { say: "still here" }, "a")).say).toBe("still here")
    })
  }

  // A second of processor time is many on a busy machine.
  test(
    "of processor time: the kernel ends a child that its parent does not",
    async () => {
      const child = new ChildProcess({ ...poolLimits, cpuSeconds: 1 })
      expect(await child.run({ module: taskOf("loop").module, input: {} }, 2 * busyMs)).toEqual({ died: "SIGKILL" })
      expect(isThere(child.pid)).toBe(false)
    },
    busyMs,
  )

  test("of its parent's life: a parent that is killed takes a looping child with it", async () => {
    open()
    const parent = Bun.spawn([process.execPath, join(import.meta.dir, "tasks", "parent.ts")], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    })
    const { value } = await parent.stdout.getReader().read()
    const pid = Number(new TextDecoder().decode(value))
    expect(isThere(pid)).toBe(true)
    parent.kill("SIGKILL")
    await parent.exited
    await eventually(() => expect(isThere(pid)).toBe(false))
  })

  test("this process answers meanwhile: its event loop is not held for 50 ms", async () => {
    open({ memoryBytes: 256 * mib })
    const delay = monitorEventLoopDelay({ resolution: 5 })
    await pool.run(answer, { say: "warm" }, "a")
    delay.enable()
    const ended = await Promise.all([
      failure(pool.run(taskOf("loop", 500), {}, "a")),
      failure(pool.run(taskOf("allocate"), { kind: "bytes" }, "a")),
      failure(pool.run(taskOf("large"), {}, "a")),
    ])
    delay.disable()
    expect(ended).toEqual(["time", "memory", "crash"])
    expect(delay.percentile(90) / 1e6).toBeLessThan(50)
  })
})

test("the metrics count the tasks by how they ended", async () => {
  const count = async (outcome: string) => {
    const lines = await scrape({} as Db)
    return Number(new RegExp(`^slotbase_child_tasks_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(lines)?.[1])
  }
  const [done, time, killed] = [await count("done"), await count("time"), await count("killed")]
  open()
  await pool.run(answer, { say: "" }, "a")
  await failure(pool.run(taskOf("loop", 100), {}, "a"))
  expect([await count("done"), await count("time"), await count("killed")]).toEqual([done + 1, time + 1, killed])
})

describe("a child that dies", () => {
  test("by its own doing fails its task as a crash, and the next task works", async () => {
    open()
    expect(await failure(pool.run(taskOf("crash"), {}, "a"))).toBe("crash")
    expect(await failure(pool.run(taskOf("crash"), { signal: "SIGSEGV" }, "a"))).toBe("crash")
    expect(pool.pids).toEqual([])
    expect((await pool.run(answer, { say: "still here" }, "a")).say).toBe("still here")
  })

  test("by somebody else's doing does its task once more, in a fresh child", async () => {
    open()
    expect(await failure(pool.run(taskOf("crash"), { signal: "SIGKILL" }, "a"))).toBe("killed")
    const { pid } = await pool.run(answer, { say: "" }, "a")
    process.kill(pid, "SIGKILL")
    const next = await pool.run(answer, { say: "once more" }, "a")
    expect([next.say, next.pid === pid]).toEqual(["once more", false])
  })

  test("a task that throws, and one that answers too much, fail without ending the child", async () => {
    open()
    const { pid } = await pool.run(answer, { say: "" }, "a")
    expect(pool.run(taskOf("throw"), {}, "a")).rejects.toThrow("not a file of mine")
    expect(await failure(pool.run(taskOf("large"), {}, "a"))).toBe("crash")
    expect((await pool.run(answer, { say: "" }, "a")).pid).toBe(pid)
  })

  test("an answer that is not of the form is not believed", async () => {
    const strict = {
      ...answer,
      decode: () => {
        throw new Error("of another form")
      },
    }
    expect(await failure(open().run(strict, { say: "" }, "a"))).toBe("crash")
  })
})

test("an owner is refused beyond its share, while another is served", async () => {
  open({ turns: { running: 1, runningOfOne: 1, waiting: 4, waitingOfOne: 1 } })
  const taken = [pool.run(answer, { say: "1" }, "greedy"), pool.run(answer, { say: "2" }, "greedy")]
  expect(await failure(pool.run(answer, { say: "3" }, "greedy"))).toBeInstanceOf(TooMany)
  expect((await pool.run(answer, { say: "4" }, "modest")).say).toBe("4")
  await Promise.all(taken)
})
