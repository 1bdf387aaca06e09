// The texts of Retry-After, in every form of RFC 9110, and what else receivers send.

import { expect, test } from "bun:test"
import { longestPauseMs, pauseAsked } from "#base/egress/retry-after.ts"

const now = Date.UTC(1994, 10, 6, 8, 49, 7)

test.each([
  ["120", 120_000],
  [" 120 ", 120_000],
  ["0", 0],
  ["1.5", 1_500],
  ["-5", 0],
  ["99999999999999999999999999", longestPauseMs],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 30_000],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 30_000],
  ["Sun Nov  6 08:49:37 1994", 30_000],
  ["sun, 06 nov 1994 08:49:37 gmt", 30_000],
  ["Sun, 06 Nov 1994 08:48:60 GMT", 0],
  ["Sat, 05 Nov 1994 08:49:37 GMT", 0],
  ["Fri, 31 Dec 9999 23:59:59 GMT", longestPauseMs],
  // Two digits: the year 2044 is fifty years ahead, 2045 is read as 1945.
  ["Sunday, 06-Nov-44 08:49:37 GMT", longestPauseMs],
  ["Sunday, 06-Nov-45 08:49:37 GMT", 0],
  ["", undefined],
  ["soon", undefined],
  ["1e9", undefined],
  ["0x10", undefined],
  ["Infinity", undefined],
  ["Sun, 06 Foo 1994 08:49:37 GMT", undefined],
  ["Sun, 06 Nov 1994 25:49:37 GMT", undefined],
  ["1994-11-06T08:49:37Z", undefined],
  [undefined, undefined],
] as const)("%p", (text, ms) => {
  expect(pauseAsked(text, now)).toBe(ms as number)
})
