// Counts the WebSocket frames in a server's stream. The stream begins with the answer to the handshake. Then come
// unmasked frames, of which only the lengths are read. Pings and other control frames are not counted.

export class FrameReader {
  #head = ""
  #open = false
  /** Bytes of the present frame that have not arrived. */
  #missing = 0
  /** The beginning of a frame whose length has not arrived. */
  #rest: Buffer | undefined

  /** Whether the handshake is complete. */
  get isOpen(): boolean {
    return this.#open
  }

  /** Reads a chunk; answers how many data frames begin in it. Throws when the handshake was refused. */
  read(chunk: Buffer): number {
    if (!this.#open) {
      this.#head += chunk.toString("latin1")
      const end = this.#head.indexOf("\r\n\r\n")
      if (end < 0) return 0
      if (!this.#head.startsWith("HTTP/1.1 101")) throw new Error(`no WebSocket: ${this.#head.slice(0, end)}`)
      this.#open = true
      return this.#count(Buffer.from(this.#head.slice(end + 4), "latin1"))
    }
    return this.#count(chunk)
  }

  #count(chunk: Buffer): number {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    let frames = 0
    let at = this.#missing
    while (at < bytes.length) {
      const length = frameLength(bytes, at)
      if (length === undefined) {
        this.#rest = bytes.subarray(at)
        this.#missing = 0
        return frames
      }
      if (((bytes[at] ?? 0) & 0x0f) < 8 && length >= leastBytes) frames += 1
      at += length
    }
    this.#missing = at - bytes.length
    return frames
  }
}

/** Shorter are the frames that only tell the position, which come by themselves every 20 seconds. */
const leastBytes = 78

/** The length of the frame with its head; undefined when the head is not complete. */
function frameLength(bytes: Buffer, at: number): number | undefined {
  if (at + 2 > bytes.length) return undefined
  const short = (bytes[at + 1] ?? 0) & 0x7f
  if (short < 126) return 2 + short
  const head = short === 126 ? 4 : 10
  if (at + head > bytes.length) return undefined
  return head + (short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2)))
}
