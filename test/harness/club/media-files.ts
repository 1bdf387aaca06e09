// Small real files of the accepted kinds, made by hand. Each has just enough bytes to show its kind, tracks and
// duration. The folder recordings has two that a browser made.

export const jpeg = (): Uint8Array =>
  Buffer.concat([
    Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex"),
    Buffer.alloc(64),
    Buffer.from("ffd9", "hex"),
  ])

export const png = (): Uint8Array =>
  Buffer.concat([Buffer.from("89504e470d0a1a0a0000000d4948445200000001000000010806000000", "hex"), Buffer.alloc(64)])

/** A Windows executable, under any file name. */
export const exe = (): Uint8Array => Buffer.concat([Buffer.from("MZ"), Buffer.alloc(600)])

const samplesPerSecond = 8_000

/** Silence of this many seconds, one byte a sample. */
export function wav(seconds: number): Uint8Array {
  const length = Math.round(seconds * samplesPerSecond)
  const head = Buffer.alloc(44)
  head.write("RIFF", 0, "latin1")
  head.writeUInt32LE(36 + length, 4)
  head.write("WAVEfmt ", 8, "latin1")
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(samplesPerSecond, 24)
  head.writeUInt32LE(samplesPerSecond, 28)
  head.writeUInt16LE(1, 32)
  head.writeUInt16LE(8, 34)
  head.write("data", 36, "latin1")
  head.writeUInt32LE(length, 40)
  return Buffer.concat([head, Buffer.alloc(length, 128)])
}

/**
 * A voice note whose words the phone has written into it: the sound of `mp4` with the box that Apple's Voice Memos add.
 * The form of the box is known from programs that read it; no such file of a person's was at hand.
 */
export function voiceNoteWithWords(seconds: number, said: unknown): Uint8Array {
  const plain = Buffer.from(mp4(seconds, ["soun"]))
  const movie = plain.indexOf("moov") - 4
  const end = movie + plain.readUInt32BE(movie)
  const words = box("trak", box("udta", box("tsrp", Buffer.from(JSON.stringify(said)))))
  plain.writeUInt32BE(end - movie + words.byteLength, movie)
  return Buffer.concat([plain.subarray(0, end), words, plain.subarray(end)])
}

/** An MP4 with tracks of these handlers ("vide", "soun"), each of one sample of this duration, in an unknown coding. */
export function mp4(seconds: number, handlers: readonly ("vide" | "soun")[] = ["vide"]): Uint8Array {
  const duration = Math.round(seconds * 1000)
  const header = (version: number, ...fields: Buffer[]) => Buffer.concat([u32(version), ...fields])
  const movie = box("mvhd", header(0, u32(0), u32(0), u32(1000), u32(duration), Buffer.alloc(80)))
  const tracks = handlers.map((handler, i) =>
    box(
      "trak",
      box("tkhd", header(0, u32(0), u32(0), u32(i + 1), u32(0), u32(duration), Buffer.alloc(60))),
      box(
        "mdia",
        box("mdhd", header(0, u32(0), u32(0), u32(1000), u32(duration), Buffer.alloc(4))),
        box("hdlr", header(0, u32(0), Buffer.from(handler), Buffer.alloc(12), Buffer.from("\0"))),
        box("minf", sampleTable(handler, duration)),
      ),
    ),
  )
  return Buffer.concat([
    box("ftyp", Buffer.from("isom"), u32(512), Buffer.from("isommp41")),
    box("moov", movie, ...tracks),
    box("mdat", Buffer.alloc(16)),
  ])
}

/** One sample, with the fields of its entry that each kind has: 78 bytes for a picture, 28 for sound. */
function sampleTable(handler: "vide" | "soun", duration: number): Buffer {
  const entry = box("none", Buffer.alloc(6), Buffer.from([0, 1]), Buffer.alloc(handler === "vide" ? 70 : 20))
  return box(
    "stbl",
    box("stsd", u32(0), u32(1), entry),
    box("stts", u32(0), u32(1), u32(1), u32(duration)),
    box("stsc", u32(0), u32(1), u32(1), u32(1), u32(1)),
    box("stsz", u32(0), u32(16), u32(1)),
    box("stco", u32(0), u32(1), u32(0)),
  )
}

function box(name: string, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([u32(content.byteLength + 8), Buffer.from(name), content])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
