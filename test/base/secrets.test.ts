// Secrets at rest: sealed for one place, tamper-proof, and recognizable by a fingerprint.

import { describe, expect, test } from "bun:test"
import { hashToken, newToken, sameSecret, secretBox } from "#base/secrets.ts"

const box = secretBox(new Uint8Array(32).fill(7))

describe("a sealed text", () => {
  test("opens again in its place, for any text", () => {
    for (const text of ["", "whsec_1", "Grüße 🎾", "x".repeat(100_000)]) {
      expect(box.open(box.seal(text, "webhook 1"), "webhook 1")).toBe(text)
    }
  })

  test("differs each time, and reveals only the length of the text", () => {
    const [one, two] = [box.seal("secret", "a"), box.seal("secret", "a")]
    expect(one.equals(two)).toBe(false)
    expect(one.includes("secret")).toBe(false)
    expect(one).toHaveLength(12 + 16 + 6)
  })

  test("does not open in another place, under another key, or changed in any byte", () => {
    const sealed = box.seal("secret", "webhook 1")
    expect(() => box.open(sealed, "webhook 2")).toThrow()
    expect(() => secretBox(new Uint8Array(32).fill(8)).open(sealed, "webhook 1")).toThrow()
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => box.open(changed, "webhook 1")).toThrow()
    }
  })

  test("does not open when it was cut short, however short its tag becomes", () => {
    const sealed = box.seal("secret", "webhook 1")
    for (let length = 0; length < sealed.length; length++) {
      expect(() => box.open(sealed.subarray(0, length), "webhook 1")).toThrow()
    }
  })
})

test("a fingerprint recognizes the same text for the same purpose under the same key, and nothing else", () => {
  const print = box.fingerprint("body", "idempotency")
  expect(box.fingerprint("body", "idempotency").equals(print)).toBe(true)
  expect(box.fingerprint("body2", "idempotency").equals(print)).toBe(false)
  expect(box.fingerprint("body", "other").equals(print)).toBe(false)
  expect(secretBox(new Uint8Array(32)).fingerprint("body", "idempotency").equals(print)).toBe(false)
})

test("a token names its kind and holds 256 random bits in letters that every header and address takes", () => {
  const tokens = new Set(Array.from({ length: 100 }, () => newToken("sb")))
  expect(tokens.size).toBe(100)
  for (const token of tokens) expect(token).toMatch(/^sb_[A-Za-z0-9_-]{43}$/)
})

test("a token's hash is its SHA-256", () => {
  expect(hashToken("abc").toString("hex")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
})

test("texts of different lengths can be compared", () => {
  expect(sameSecret("secret", "secret")).toBe(true)
  expect(sameSecret("secret", "Secret")).toBe(false)
  expect(sameSecret("secret", "secret and more")).toBe(false)
  expect(sameSecret("", "")).toBe(true)
})
