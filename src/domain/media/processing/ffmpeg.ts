/**
 * ffmpeg and ffprobe: found once, and run under limits. Both read one local file as the form that its bytes showed when
 * it was uploaded. So a playlist that calls itself a video is no playlist here. No protocol but `file` is open to them.
 */
import { dirname, join } from "node:path"
import { type ForeignEnd, type ForeignLimits, runForeign } from "#base/bounded/foreign-program.ts"
import { MediaCutOff, MediaRefused } from "./refusal.ts"

export interface Ffmpeg {
  readonly ffmpeg: string
  readonly ffprobe: string
}

/** @param given SLOTBASE_FFMPEG, the path of ffmpeg; undefined: on the PATH. ffprobe stands beside it. */
export function findFfmpeg(given: string | undefined): Ffmpeg | undefined {
  const ffmpeg = Bun.which(given ?? "ffmpeg")
  if (ffmpeg === null) return undefined
  const ffprobe = given === undefined ? Bun.which("ffprobe") : Bun.which(join(dirname(ffmpeg), "ffprobe"))
  return ffprobe === null ? undefined : { ffmpeg, ffprobe }
}

export const howToInstallFfmpeg = "install it, on Debian by: apt-get install ffmpeg; or name it by SLOTBASE_FFMPEG"

const mib = 1024 * 1024
/** 2 hours of a 500 MB upload at the slowest that was measured, a sixth of real time. */
const longestStepMs = 6 * 60 * 60 * 1000
export const ffmpegLimits: ForeignLimits = {
  timeMs: longestStepMs,
  // It reports its progress twice a second. The first frame of a large file may take a while.
  silenceMs: 120_000,
  cpuSeconds: (2 * longestStepMs) / 1000,
  // Address space: 700 MB for a video of 3840 × 2160, when measured with two threads.
  memoryBytes: 3 * 1024 * mib,
  fileBytes: 4 * 1024 * mib,
}
const probeLimits: ForeignLimits = {
  timeMs: 30_000,
  cpuSeconds: 30,
  memoryBytes: 1024 * mib,
  fileBytes: 0,
}

/** How the bytes of a file are read, by the content type that they showed. */
const demuxers: Readonly<Record<string, string>> = {
  "video/mp4": "mov",
  "video/quicktime": "mov",
  "video/3gpp": "mov",
  "video/webm": "matroska",
  "audio/mp4": "mov",
  "audio/3gpp": "mov",
  "audio/webm": "matroska",
  "audio/mpeg": "mp3",
  "audio/aac": "aac",
  "audio/ogg": "ogg",
  "audio/wav": "wav",
  "audio/flac": "flac",
  "audio/amr": "amr",
}

/** What stands before every input. Throws MediaRefused for a type that ffmpeg is not given. */
function inputOf(path: string, contentType: string): string[] {
  const demuxer = demuxers[contentType]
  if (demuxer === undefined) throw new MediaRefused("media_unreadable", `Nothing here reads ${contentType}.`)
  return ["-protocol_whitelist", "file", "-f", demuxer, "-i", `file:${path}`]
}

export interface FfmpegWork {
  readonly path: string
  readonly contentType: string
  /** After the input: filters, encoders and the output. */
  readonly output: readonly string[]
  readonly limits?: Partial<ForeignLimits>
  readonly signal: AbortSignal
  /** Seconds of the output that are done. */
  readonly onProgress?: (seconds: number) => void
}

/**
 * Runs ffmpeg over a file. Answers what it wrote to standard error.
 * @throws MediaRefused (media_unreadable, media_too_large, media_too_slow), MediaCutOff, or an Error that another
 * attempt may not meet
 */
export async function runFfmpeg({ ffmpeg }: Ffmpeg, work: FfmpegWork): Promise<string> {
  const { path, contentType, output, signal, onProgress } = work
  const quiet = [
    "-hide_banner",
    "-nostdin",
    "-nostats",
    "-progress",
    "pipe:1",
    "-threads",
    "2",
    "-max_alloc",
    "1073741824",
  ]
  const end = await runForeign([ffmpeg, ...quiet, "-y", ...inputOf(path, contentType), ...output], {
    limits: { ...ffmpegLimits, ...work.limits },
    signal,
    onLine: (line) => {
      const [, us] = /^out_time_us=(\d+)/.exec(line) ?? []
      if (us !== undefined) onProgress?.(Number(us) / 1_000_000)
    },
  })
  requireWell(end, "ffmpeg")
  return end.says
}

/** What ffprobe says of a file, as JSON. @throws as runFfmpeg */
export async function runFfprobe(
  { ffprobe }: Ffmpeg,
  { path, contentType, signal }: Pick<FfmpegWork, "path" | "contentType" | "signal">,
): Promise<unknown> {
  const lines: string[] = []
  const asked = ["-hide_banner", "-v", "error", "-of", "json", "-show_format", "-show_streams"]
  const end = await runForeign([ffprobe, ...asked, ...inputOf(path, contentType)], {
    limits: probeLimits,
    signal,
    onLine: (line) => {
      if (lines.length < longestProbe) lines.push(line)
    },
  })
  requireWell(end, "ffprobe")
  try {
    return JSON.parse(lines.join("\n"))
  } catch {
    throw new MediaRefused("media_too_large", "The file describes more than anybody records.")
  }
}

/** Lines; a video with two streams has 150. */
const longestProbe = 5_000

function requireWell({ how, code, says }: ForeignEnd, program: string): void {
  if (how === "exited" && code === 0) return
  if (how === "aborted") throw new MediaCutOff(`${program} was stopped`)
  // The shell answers 126 and 127 when the program cannot be started.
  if (how === "killed" || how === "start" || code === 126 || code === 127)
    throw new Error(`${program} was ended from outside: ${how} ${code} ${lastLine(says)}`)
  if (how === "time" || how === "silence" || how === "cpu")
    throw new MediaRefused("media_too_slow", `${program} reached its limit of time.`)
  if (how === "file" || /cannot allocate memory|malloc of size|exceeds max_alloc/i.test(says))
    throw new MediaRefused("media_too_large", `${program} reached its limit of size or memory.`)
  if (/no space left on device|read-only file system|input\/output error/i.test(says))
    throw new Error(`${program} could not write: ${lastLine(says)}`)
  throw new MediaRefused("media_unreadable", `The file is broken: ${lastLine(says)}`)
}

/** Without the path of the file, which is nobody's business. */
function lastLine(says: string): string {
  const line = (says.split("\n").at(-1) ?? "")
    .replace(/^(?:file:\S+|\/\S+): /, "")
    .replace(/file:\S+|\/\S+\/\S+/g, "the file")
    .slice(0, 300)
    .trim()
  return line === "" ? "it has no readable picture or sound." : line.replace(/[^.]$/, "$&.")
}
