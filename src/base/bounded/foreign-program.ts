/**
 * A program of somebody else's, such as ffmpeg, under limits. It runs in a process group of its own. The whole group is
 * killed at a limit, when the caller gives up, and when this process dies. It gets no variables and no standard input.
 *
 * A shell sets the kernel's limits, and starts the program and a watcher, which waits at a pipe from this process. When
 * this process dies, even by `kill -9`, the pipe ends, and the watcher kills the group. The kernel's own way
 * (PR_SET_PDEATHSIG) was not taken: Bun offers none, and it follows the death of a thread.
 */
export interface ForeignLimits {
  /** From start to end, milliseconds. */
  readonly timeMs: number
  /** Without a line of output, milliseconds; left out: no such limit. */
  readonly silenceMs?: number
  /** Processor time, seconds, by the kernel. */
  readonly cpuSeconds: number
  /** Address space, bytes, by the kernel. Only for programs that reserve no more than they use. */
  readonly memoryBytes: number
  /** The largest file that it may write, bytes, by the kernel. */
  readonly fileBytes: number
}

/**
 * How a program ended:
 *
 * - exited: by itself, with its code
 * - time, silence, cpu, file: a limit ended it
 * - aborted: the caller gave up
 * - killed: somebody else ended it, such as the system for want of memory
 * - start: the system started no process
 */
export interface ForeignEnd {
  readonly how: "exited" | "time" | "silence" | "cpu" | "file" | "aborted" | "killed" | "start"
  readonly code: number
  /** The last characters that it wrote to standard error. */
  readonly says: string
}

export interface ForeignRun {
  readonly limits: ForeignLimits
  readonly signal?: AbortSignal
  /** Each line of standard output, as it comes. */
  readonly onLine?: (line: string) => void
}

/** Characters of standard error that are kept, and of one line of standard output. */
const keptCharacters = 4_000
const longestLine = 100_000

/** Runs a program. Never throws; a program that is missing exits with 127. */
export async function runForeign(
  command: readonly string[],
  { limits, signal, onLine }: ForeignRun,
): Promise<ForeignEnd> {
  if (signal?.aborted) return { how: "aborted", code: -1, says: "" }
  let stopped: ForeignEnd["how"] | undefined
  const child = start(command, limits)
  if (child === undefined) return { how: "start", code: -1, says: "" }
  const stop = (how: ForeignEnd["how"]) => {
    stopped ??= how
    endGroup(child.pid)
  }
  const abort = () => stop("aborted")
  signal?.addEventListener("abort", abort)
  const late = setTimeout(() => stop("time"), limits.timeMs)
  const silence = limits.silenceMs
  let quiet = silence === undefined ? undefined : setTimeout(() => stop("silence"), silence)
  const heard = () => {
    if (silence === undefined) return
    clearTimeout(quiet)
    quiet = setTimeout(() => stop("silence"), silence)
  }
  try {
    const [says] = await Promise.all([
      lastOf(child.stderr),
      eachLine(child.stdout, (line) => {
        heard()
        onLine?.(line)
      }),
      child.exited,
    ])
    const code = child.exitCode ?? -1
    return { how: stopped ?? endOf(code), code, says }
  } finally {
    clearTimeout(late)
    clearTimeout(quiet)
    signal?.removeEventListener("abort", abort)
    // The watcher is left of the group.
    endGroup(child.pid)
    await child.exited
  }
}

/** A shell answers 128 and the number of the signal that ended the program. */
function endOf(code: number): ForeignEnd["how"] {
  const signal = code - 128
  if (signal === 24) return "cpu"
  if (signal === 25) return "file"
  return signal === 9 || signal === 15 || code < 0 ? "killed" : "exited"
}

function start(command: readonly string[], limits: ForeignLimits) {
  try {
    return Bun.spawn(["/bin/sh", "-c", scriptOf(limits), "sh", ...command], {
      env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
      cwd: "/",
      // Held open until the end of this process, and never written to.
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    })
  } catch {
    return undefined
  }
}

/** A system without one of the limits goes on without it. `ulimit -f` counts blocks of 512 bytes, `-v` KiB. */
function scriptOf({ cpuSeconds, memoryBytes, fileBytes }: ForeignLimits): string {
  const limits = [
    // At the soft limit the kernel says why it ends the program, at the hard one it does not.
    `-H -t ${cpuSeconds + 5}`,
    `-S -t ${cpuSeconds}`,
    `-v ${Math.ceil(memoryBytes / 1024)}`,
    `-f ${Math.ceil(fileBytes / 512)}`,
    "-c 0",
  ].map((limit) => `ulimit ${limit} 2>/dev/null`)
  return [
    "exec 3<&0 </dev/null",
    "{ cat <&3; kill -9 -$$; } >/dev/null 2>&1 &",
    "{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null",
    `( ${limits.join("; ")}; exec nice -n 10 "$@" 3<&- )`,
  ].join("\n")
}

/** Kills a process group; one that is gone already is no fault. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL")
  } catch {
    // It has ended.
  }
}

async function lastOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let kept = ""
  for await (const piece of stream) kept = (kept + decoder.decode(piece, { stream: true })).slice(-keptCharacters)
  return kept.trim()
}

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).slice(-longestLine).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) take(line)
  }
  if (rest !== "") take(rest)
}
