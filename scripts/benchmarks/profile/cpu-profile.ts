// Where the program's time goes: Bun's CPU profile, by file. What has no file of its own (built into the runtime) counts for
// the file that called it.

import { readdir, readFile } from "node:fs/promises"
import { join, relative } from "node:path"

/** How a process is told to leave a profile in this folder when it ends. */
export const profiling = (folder: string) => ({ BUN_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` })

/** What is read of the format, which is that of Chrome's developer tools. */
export interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: { url: string }; children?: readonly number[] }[]
  /** A node each, and how long it was since the one before, microseconds. */
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
  /** On the wall clock, microseconds. */
  readonly startTime: number
}

/** No sample lasts longer: the process slept in between. */
const longestSampleUs = 10_000
export const noFile = "no file: the runtime's own"

/** Microseconds by file, relative to `root`, from an instant on (milliseconds); a package is one. The dearest first. */
export function byFile(profile: CpuProfile, root: string, sinceMs: number): readonly [string, number][] {
  const { nodes, samples, timeDeltas, startTime } = profile
  const files = new Map<number, string>()
  const known = new Map(nodes.map((node) => [node.id, node]))
  const children = new Set(nodes.flatMap((node) => node.children ?? []))
  const open = nodes.filter((node) => !children.has(node.id)).map((node) => ({ node, caller: noFile }))
  for (let next = open.pop(); next; next = open.pop()) {
    const file = fileOf(next.node.callFrame.url, root) ?? next.caller
    files.set(next.node.id, file)
    for (const id of next.node.children ?? []) {
      const node = known.get(id)
      if (node) open.push({ node, caller: file })
    }
  }
  const spent = new Map<string, number>()
  let atUs = startTime
  for (const [index, sample] of samples.entries()) {
    const us = timeDeltas[index] ?? 0
    atUs += us
    if (atUs < sinceMs * 1_000) continue
    const file = files.get(sample) ?? noFile
    spent.set(file, (spent.get(file) ?? 0) + Math.min(us, longestSampleUs))
  }
  return [...spent].sort(([, a], [, b]) => b - a)
}

/** Undefined for what is built into the runtime. */
function fileOf(url: string, root: string): string | undefined {
  if (!url.startsWith("file://") && !url.startsWith("/")) return undefined
  const path = url.replace(/^file:\/\//, "")
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]
  return inPackage === undefined ? relative(root, path) : `the package ${inPackage}`
}

export async function readProfiles(folder: string): Promise<readonly CpuProfile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".cpuprofile"))
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as CpuProfile))
}
