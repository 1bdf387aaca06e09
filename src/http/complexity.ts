/**
 * How complex a JSON body may be, asked before it is parsed. Parsing and checking cost most for many small or deep
 * values: a mebibyte of brackets took the process 400 ms. One pass over the bytes counts them, at about a nanosecond
 * a byte. It need not know JSON: what it counts wrongly is no JSON, and the parser refuses that.
 */
import { BadRequest } from "./problems.ts"

export interface Complexity {
  /** Objects and arrays inside each other. */
  readonly depth: number
  /** Values in all arrays and objects together. */
  readonly elements: number
}

/** Characters of a number. The longest that JSON.stringify writes has 24. */
const maxNumberLength = 64

/** Throws BadRequest 422 `body_too_complex`. */
export function refuseComplex(bytes: Uint8Array, { depth: maxDepth, elements: maxElements }: Complexity): void {
  let depth = 0
  let elements = 0
  let run = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    switch (byte) {
      case quote:
        at = endOfString(bytes, at)
        run = 0
        break
      case openObject:
      case openArray:
        if (++depth > maxDepth) throw tooComplex(`Expected at most ${maxDepth} objects and arrays inside each other.`)
        elements++
        run = 0
        break
      case closeObject:
      case closeArray:
        depth--
        run = 0
        break
      case comma:
        elements++
        run = 0
        break
      case colon:
      case space:
      case newLine:
        run = 0
        break
      default:
        if (++run > maxNumberLength) throw tooComplex(`Expected numbers of at most ${maxNumberLength} characters.`)
    }
    if (elements > maxElements) throw tooComplex(`Expected at most ${maxElements} values in the whole body.`)
  }
}

/** The place of the quote that ends a string; the end of the body when none does. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === backslash) at++
    else if (bytes[at] === quote) return at
  }
  return bytes.length
}

const tooComplex = (message: string) => new BadRequest(422, "body_too_complex", message)

const code = (character: string) => character.charCodeAt(0)
const [quote, backslash, comma, colon, space, newLine] = ['"', "\\", ",", ":", " ", "\n"].map(code)
const [openObject, closeObject, openArray, closeArray] = ["{", "}", "[", "]"].map(code)
