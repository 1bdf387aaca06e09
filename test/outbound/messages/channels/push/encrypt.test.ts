// The encryption of push messages, against the standard's example and an independent implementation.

import { expect, test } from "bun:test"
import { createECDH, createPublicKey, randomBytes, verify } from "node:crypto"
import fc from "fast-check"
import { curve, encryptPush, isPoint, maxPlainBytes } from "#outbound/messages/channels/push/encrypt.ts"
import { newVapidKey, vapidKeyOf, vapidOf } from "#outbound/messages/channels/push/vapid.ts"
import { aBrowser } from "#test/harness/outside/push-service.ts"

const from = (text: string) => Buffer.from(text, "base64url")

test("the example of RFC 8291, appendix A, comes out byte for byte", () => {
  const body = encryptPush(
    Buffer.from("When I grow up, I want to be a watermelon"),
    {
      p256dh: from("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
      auth: from("BTBZMqHH6r4Tts7J_aSIgg"),
    },
    { privateKey: from("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), salt: from("DGv6ra1nlYgDCS1FRnbzlw") },
  )
  expect(Buffer.from(body).toString("base64url")).toBe(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
  )
})

test("an independent implementation reads every message up to the longest, and a longer one is refused", () => {
  const browser = aBrowser()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (plain) => {
      expect(browser.decrypt(encryptPush(plain, browser.keys))).toEqual(Buffer.from(plain))
    }),
    { numRuns: 50 },
  )
  const longest = randomBytes(maxPlainBytes)
  const body = encryptPush(longest, browser.keys)
  expect(body.length).toBe(4_096)
  expect(browser.decrypt(body)).toEqual(longest)
  expect(() => encryptPush(Buffer.alloc(maxPlainBytes + 1), browser.keys)).toThrow(
    "A push message has at most 3993 bytes, and this one has 3994.",
  )
})

test("a point is one of the curve, uncompressed", () => {
  const pair = createECDH(curve)
  const point = pair.generateKeys()
  expect(isPoint(point)).toBe(true)
  const off = Buffer.from(point)
  off[64] = (off[64] ?? 0) ^ 1
  const beyond = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 255)])
  for (const bytes of [off, beyond, point.subarray(1), pair.getPublicKey(null, "compressed"), Buffer.alloc(65)])
    expect(isPoint(bytes)).toBe(false)
})

test("a push service can check the token by the public key, and it names the service and the operator", () => {
  const key = newVapidKey()
  expect(vapidKeyOf(key.privateKey)).toEqual(key)
  expect(vapidKeyOf("A".repeat(43))).toBeUndefined() // zero
  expect(vapidKeyOf("short")).toBeUndefined()
  const vapid = vapidOf(key, "mailto:desk@example.com")
  const [, token = "", shown] =
    /^vapid t=(\S+), k=(\S+)$/.exec(vapid.authorization("https://push.example.com/a/b")) ?? []
  expect(shown).toBe(key.publicKey)
  const [head = "", claims = "", signature = ""] = token.split(".")
  const point = from(key.publicKey)
  const publicKey = createPublicKey({
    format: "jwk",
    key: { kty: "EC", crv: "P-256", x: coordinate(point.subarray(1, 33)), y: coordinate(point.subarray(33)) },
  })
  const isSigned = verify(
    "sha256",
    Buffer.from(`${head}.${claims}`),
    { key: publicKey, dsaEncoding: "ieee-p1363" },
    from(signature),
  )
  expect(isSigned).toBe(true)
  expect(JSON.parse(from(head).toString())).toEqual({ typ: "JWT", alg: "ES256" })
  const { aud, sub, exp } = JSON.parse(from(claims).toString())
  expect([aud, sub]).toEqual(["https://push.example.com", "mailto:desk@example.com"])
  expect(exp - Date.now() / 1_000).toBeWithin(11 * 3_600, 12 * 3_600 + 1)
  expect(vapid.authorization("https://push.example.com/c")).toBe(`vapid t=${token}, k=${key.publicKey}`)
  expect(vapid.authorization("https://push.example.com:8443/c")).not.toContain(token)
})

const coordinate = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url")
