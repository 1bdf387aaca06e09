/**
 * A training video and a coach's voice note, made by ffmpeg of moving patterns and a tone. The note has its words in
 * its file, as Apple's Voice Memos write them. Without ffmpeg there are none, and the demo goes on without them.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findFfmpeg } from "#domain/media/processing/ffmpeg.ts"

export interface Recordings {
  readonly video: Blob
  readonly voiceNote: Blob
}

const words = "much better today , the backhand was early and the footwork quick. next week we try the second serve"

/** @param given SLOTBASE_FFMPEG. Undefined: there is no ffmpeg, or it makes nothing. */
export async function makeRecordings(given: string | undefined): Promise<Recordings | undefined> {
  const tool = findFfmpeg(given)
  if (tool === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), "slotbase-demo-"))
  const made = async (name: string, ...args: readonly string[]) => {
    const path = join(folder, name)
    const child = Bun.spawn([tool.ffmpeg, "-v", "error", "-nostdin", ...args, path], {
      stdout: "ignore",
      stderr: "ignore",
    })
    if ((await child.exited) !== 0) throw new Error(`ffmpeg made no ${name}`)
    return Bun.file(path).bytes()
  }
  const tone = ["-f", "lavfi", "-i", "sine=frequency=220:duration=2", "-c:a", "aac"]
  const court = ["-f", "lavfi", "-i", "testsrc2=s=640x360:d=2:r=15"]
  const encoded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
  try {
    const video = await made("second-serve.mp4", ...court, ...encoded)
    const sound = await made("note.m4a", ...tone)
    const said = JSON.stringify({ attributedString: [words, { timeRange: [0, 2] }] })
    return {
      video: new Blob([video], { type: "video/mp4" }),
      voiceNote: new Blob([sound, box("udta", box("tsrp", Buffer.from(said)))], { type: "audio/mp4" }),
    }
  } catch {
    return undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function box(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(content.byteLength + 8)
  head.write(type, 4, "latin1")
  return Buffer.concat([head, content])
}
