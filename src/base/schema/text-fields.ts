/**
 * The text of requests, in three kinds, each with a named maximum length in code points:
 * - one line of human text: names, titles, labels,
 * - human text of several lines: notes, reasons,
 * - opaque text, which nobody reads as it is: passwords, secrets, codes.
 *
 * Each kind has its characters as a pattern, which is in the OpenAPI document too. Human text holds no control
 * characters and nothing invisible. Such characters forge lines of a log, turn the text around them, or make two names
 * look the same. The zero-width joiner and non-joiner (U+200D, U+200C) stay: Persian, Indic scripts and emoji need
 * them.
 *
 * The patterns are plain ranges instead of Unicode categories. Validators of every language read ranges, and a newer
 * Unicode changes nothing.
 */
import * as Schema from "effect/Schema"

const loneSurrogates = "\\ud800-\\udfff"
const joiners = "\\u200c\\u200d"

/** Space marks, line marks, fillers, directions, tags and lone surrogates that Unicode shows as nothing or as space. */
const invisible = [
  "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f",
  "\\u2800\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff",
  loneSurrogates,
  "\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e00ff}\\u{e01f0}-\\u{e0fff}",
].join("")

export const oneLinePattern = new RegExp(`^[^\\u0000-\\u001f\\u007f-\\u009f${invisible}]*$`, "u")
const severalLines = new RegExp(`^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f${invisible}]*$`, "u")
/** PostgreSQL cannot hold NUL and lone surrogates. */
const storable = new RegExp(`^[^\\u0000${loneSurrogates}]*$`, "u")

/** Space, joiners and variation selectors alone show nothing. */
const framed = new RegExp(`^[^\\s${joiners}\\ufe00-\\ufe0f](?:[\\s\\S]*[^\\s${joiners}])?$`, "u")

/** Limits in code points: JSON Schema counts them, and a text of JavaScript counts some of them twice. */
export const atLeast = (minimum: number) =>
  Schema.isMinCodePoints(minimum, { expected: `text of at least ${minimum} characters` })
export const atMost = (maximum: number) =>
  Schema.isMaxCodePoints(maximum, { expected: `text of at most ${maximum} characters` })

/** One line that is not empty, has something visible at its start, and no space around it. */
export const lineUpTo = (maxLength: number) =>
  Schema.String.check(
    atMost(maxLength),
    Schema.isPattern(oneLinePattern, { expected: "one line of text without control or invisible characters" }),
    Schema.isPattern(framed, { expected: "text that is not empty and does not begin or end with space" }),
  )

/** Text of any number of lines; may be empty. Tabs are allowed. */
export const linesUpTo = (maxLength: number) =>
  Schema.String.check(
    atMost(maxLength),
    Schema.isPattern(severalLines, { expected: "text without control or invisible characters" }),
  )

/** Any text that the database can hold. @param said what the document says about it */
export const opaqueText = (
  minLength: number,
  maxLength: number,
  said: { description?: string; format?: string } = {},
) =>
  Schema.String.annotate(said).check(
    atLeast(minLength),
    atMost(maxLength),
    Schema.isPattern(storable, { expected: "text without NUL and without lone surrogates" }),
  )
