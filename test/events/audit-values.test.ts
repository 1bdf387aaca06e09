// The values of the audit trail: what differs, without secrets, within the bound.

import { describe, expect, test } from "bun:test"
import { differenceOf, keepable, maxAuditBytes } from "#events/audit-values.ts"

describe("the difference", () => {
  test("has the fields that changed, on both sides", () => {
    expect(differenceOf({ name: "Court 1", price: 2400 }, { name: "Court 1", price: 2600 })).toEqual({
      before: { price: 2400 },
      after: { price: 2600 },
    })
  })

  test("leaves out the version and the time of the change", () => {
    const before = { a: 1, version: 1, updatedAt: "2026-01-01T00:00:00.000Z" }
    expect(differenceOf(before, { a: 2, version: 2, updatedAt: "2026-02-01T00:00:00.000Z" })).toEqual({
      before: { a: 1 },
      after: { a: 2 },
    })
  })

  test("of a new or a deleted thing has all its fields", () => {
    expect(differenceOf(undefined, { a: 1 })).toEqual({ before: null, after: { a: 1 } })
    expect(differenceOf({ a: 1 }, undefined)).toEqual({ before: { a: 1 }, after: null })
  })

  test("shows that a secret changed, and neither of its values", () => {
    expect(differenceOf({ signingSecret: "old one" }, { signingSecret: "new one" })).toEqual({
      before: { signingSecret: "[secret]" },
      after: { signingSecret: "[secret]" },
    })
  })
})

describe("a secret", () => {
  const secrets = [
    ["authConfig", { headerName: "x-a", headerValue: "shh" }],
    ["password", "shh"],
    ["passwordHash", "shh"],
    ["key", "shh"],
    ["token", "shh"],
    ["bearerToken", "shh"],
    ["cardToken", "shh"],
    ["signingSecret", "shh"],
    ["headerValue", "shh"],
    ["code", "shh"],
    ["couponCode", "shh"],
    ["authorization", "shh"],
  ] as const
  test.each(secrets)("in the field %s is not kept, at any depth", (name, value) => {
    expect(keepable({ [name]: value })).toEqual({ [name]: "[secret]" })
    expect(keepable({ a: [{ [name]: value }] })).toEqual({ a: [{ [name]: "[secret]" }] })
  })

  test("that was not there is shown as not there", () => {
    expect(keepable({ token: null })).toEqual({ token: null })
  })

  test("in the path, the query or the user part of an address is not kept, and two addresses still differ", () => {
    const kept = keepable({
      one: "https://ann:shh@hooks.example.com/shh?t=shh",
      two: "https://hooks.example.com/other",
    })
    expect(JSON.stringify(kept)).not.toContain("shh")
    expect(kept.one).toMatch(/^https:\/\/hooks\.example\.com\/… \([0-9a-f]{8}\)$/)
    expect(kept.two).not.toBe(kept.one)
    expect(keepable({ url: "https://example.com" })).toEqual({ url: "https://example.com" })
    expect(keepable({ url: "https://[" })).toEqual({ url: "[address]" })
  })

  test("is no failure code and no end of a token", () => {
    const fields = { failureCode: "card_declined", tokenExpiresAt: null, keyHint: "sbk_abc" }
    expect(keepable(fields)).toEqual(fields)
  })
})

describe("the bound", () => {
  test("cuts a long field, and names its size", () => {
    expect(keepable({ name: "Court", template: "x".repeat(5_000) })).toEqual({
      name: "Court",
      template: "[cut: 5002 bytes]",
    })
  })

  test("cuts everything when the fields together are too long", () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`field${n}`, "x".repeat(4_000)]))
    expect(keepable(many)).toEqual({ cut: expect.stringMatching(/^\d+ bytes$/) })
    expect(JSON.stringify(keepable({ a: "é".repeat(2_000), b: "é".repeat(2_000) })).length).toBeLessThan(maxAuditBytes)
  })

  test("cuts what nests too deeply", () => {
    let nested: unknown = "deep"
    for (let depth = 0; depth < 20; depth++) nested = [nested]
    expect(keepable({ nested })).toEqual({ nested: [[[[[[["[cut]"]]]]]]] })
  })
})
