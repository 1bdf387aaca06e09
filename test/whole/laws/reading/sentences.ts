/**
 * The sentences of prose. Headings, list items and paragraphs end a sentence. Code blocks, tables, drawings and columns
 * are no prose. A code span counts as one word, and a link counts by its text.
 */

/** A point after these ends no sentence. */
const abbreviations = new Set(["e.g.", "i.e.", "etc.", "vs.", "cf.", "p.", "pp.", "no.", "ca.", "approx.", "resp."])

const notProse = /^\s*(\||<|\[[^\]]+\]:)|[─│┌┐└┘├┤┬┴┼╌▲▼◀▶]|\S {3,}\S|^\s*[-=*_~#/]{3,}\s*$/
const heading = /^\s*#{1,6}\s/
const beginsAnew = /^\s*([-*+•]|\d+[.)]|#{1,6}|>|@\w+|[a-z]\))\s+/

/** A word stands between blanks and has a letter or a digit. */
export function wordsOf(sentence: string): string[] {
  return sentence.split(/\s+/).filter((each) => /[\p{L}\p{N}]/u.test(each))
}

export function sentencesOf(lines: readonly string[]): string[] {
  return paragraphsOf(lines).flatMap(cutIntoSentences)
}

function paragraphsOf(lines: readonly string[]): string[] {
  const paragraphs: string[][] = [[]]
  let fenced = false
  let inList = false
  let inText = false
  for (const line of lines) {
    const fence = /^\s*(```|~~~)/.test(line)
    if (fence) fenced = !fenced
    const code: boolean = fence || fenced || (!inList && !inText && /^( {4}|\t)/.test(line))
    inText = !code && line.trim() !== "" && !notProse.test(line)
    if (!inText || beginsAnew.test(line)) paragraphs.push([])
    if (!inText) continue
    if (beginsAnew.test(line)) inList = true
    else if (/^\S/.test(line)) inList = false
    paragraphs.at(-1)?.push(line.replace(beginsAnew, "").trim())
    if (heading.test(line)) paragraphs.push([])
  }
  return paragraphs.filter((each) => each.length > 0).map((each) => each.join(" "))
}

function cutIntoSentences(paragraph: string): string[] {
  const text = paragraph.replace(/(`+)[^`]+\1/g, "`code`").replace(/!?\[([^\]]*)\]\([^)\s]*\)/g, "$1")
  const sentences: string[] = []
  let words: string[] = []
  for (const word of text.split(/\s+/)) {
    words.push(word)
    if (!endsSentence(word)) continue
    sentences.push(words.join(" "))
    words = []
  }
  return [...sentences, words.join(" ")].filter((each) => wordsOf(each).length > 0)
}

function endsSentence(word: string): boolean {
  const bare = word.replace(/["'”’»)\]*_]+$/, "")
  if (!/[.!?]$/.test(bare) || /\.\.$/.test(bare)) return false
  return !abbreviations.has(bare.replace(/^["'“‘«([*_]+/, "").toLowerCase())
}
