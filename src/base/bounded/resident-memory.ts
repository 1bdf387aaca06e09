/** Watches the memory that a process occupies: from /proc on Linux, with `ps` elsewhere. */
import { readFileSync } from "node:fs"

/** At 1.3 GB a second, the fastest that was measured, a process takes 26 MB between two looks. */
const lookMs = 20
/** `ps` is a process of its own. */
const psMs = 250

/** Calls `exceeded` when the process occupies more; until it is stopped. */
export function watchMemory(pid: number, maxBytes: number, exceeded: () => void): { readonly stop: () => void } {
  const isLinux = process.platform === "linux"
  const look = async () => {
    const bytes = isLinux ? fromProc(pid) : await fromPs(pid)
    if (bytes !== undefined && bytes > maxBytes) exceeded()
  }
  const timer = setInterval(() => void look().catch(() => {}), isLinux ? lookMs : psMs)
  return { stop: () => clearInterval(timer) }
}

/** `status` says it in KiB; `statm` counts pages, whose size differs between machines. */
function fromProc(pid: number): number | undefined {
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
  return kib > 0 ? kib * 1024 : undefined
}

async function fromPs(pid: number): Promise<number | undefined> {
  const ps = Bun.spawn(["ps", "-o", "rss=", "-p", String(pid)], { stdin: "ignore", stdout: "pipe", stderr: "ignore" })
  const kib = Number((await ps.stdout.text()).trim())
  return kib > 0 ? kib * 1024 : undefined
}
