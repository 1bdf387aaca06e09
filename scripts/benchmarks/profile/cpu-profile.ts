// The program's time by file, from Bun's CPU profile. Code that is built into the runtime has no file; its time counts
// for the file that called it.

import { readdir, readFile } from "node:fs/promises"
import { join, relative } from "node:path"

/** The environment that makes a process write a profile into this folder when it ends. */
export const profiling = (folder: string) => ({ BUN_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` })

/** The used part of the format, which is that of Chrome's developer tools. */
export interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: { url: string }; children?: readonly number[] }[]
  /** The node of each sample. */
  readonly samples: readonly number[]
  /** The time since the sample before, microseconds. */
  readonly timeDeltas: readonly number[]
  /** On the wall clock, microseconds. */
  readonly startTime: number
}

/** A longer gap between samples means that the process slept; it counts as this long. */
const longestSampleUs = 10_000
export const noFile = "no file: the runtime's own"

/**
 * Microseconds by file, relative to `root`; the most expensive file comes first. A package counts as one file. Samples
 * before `sinceMs`, on the wall clock, are left out.
 */
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

/** Undefined for code that is built into the runtime. */
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
