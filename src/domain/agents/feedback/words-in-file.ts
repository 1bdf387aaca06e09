/**
 * What a phone has heard in a voice note and written into its file. It stands in the box `tsrp` of an M4A, as Apple's
 * Voice Memos write it: JSON whose pieces of text stand between their times. Only boxes on the way to it are read, and
 * never the sound. Whatever is not as expected is taken for no words.
 */

/** The longest one; a spoken word takes some 40 characters with its time. */
const maxJsonBytes = 512 * 1024
/** Boxes that are looked at. A recording has some thirty. */
const maxBoxes = 500
const maxCharacters = 10_000
const onTheWay = new Set(["moov", "trak", "udta"])

/** Undefined: there are none. */
export async function wordsInFile(file: Blob): Promise<string | undefined> {
  const found = await boxIn(file, 0, file.size, { left: maxBoxes })
  if (found === undefined || found.end - found.start > maxJsonBytes) return undefined
  const words = wordsOf(await file.slice(found.start, found.end).text())
  return words === "" || words.length > maxCharacters ? undefined : words
}

interface Content {
  readonly start: number
  readonly end: number
}

async function boxIn(file: Blob, from: number, end: number, boxes: { left: number }): Promise<Content | undefined> {
  for (let at = from; at + 8 <= end && boxes.left > 0; ) {
    boxes.left--
    const head = Buffer.from(await file.slice(at, at + 16).arrayBuffer())
    const short = head.byteLength < 8 ? 0 : head.readUInt32BE(0)
    const isLong = short === 1 && head.byteLength === 16
    const size = isLong ? Number(head.readBigUInt64BE(8)) : short === 0 ? end - at : short
    const content = { start: at + (isLong ? 16 : 8), end: at + size }
    if (content.end > end || content.start > content.end) return undefined
    const type = head.toString("latin1", 4, 8)
    if (type === "tsrp") return content
    const inside = onTheWay.has(type) ? await boxIn(file, content.start, content.end, boxes) : undefined
    if (inside !== undefined) return inside
    at = content.end
  }
  return undefined
}

/** The pieces stand in a list with their times, or in `runs` with the numbers of their times. */
function wordsOf(json: string): string {
  try {
    const { attributedString: said } = JSON.parse(json.replace(/\0+$/, "")) as { attributedString?: unknown }
    const list: unknown = Array.isArray(said) ? said : (said as { runs?: unknown } | undefined)?.runs
    const pieces = Array.isArray(list) ? list.filter((each) => typeof each === "string") : []
    const isSpaced = pieces.some((piece) => /^\s|\s$/.test(piece))
    return pieces
      .join(isSpaced ? "" : " ")
      .toWellFormed()
      .replace(/[^\P{Cc}\n]/gu, " ")
      .trim()
  } catch {
    return ""
  }
}
