// Which addresses may be reached: a table of private, local, shared, reserved and translated ones, in every form.

import { describe, expect, test } from "bun:test"
import { isInside, isPublic, literalOf, parseNetworks } from "#base/egress/addresses.ts"

const refused = {
  "this host": ["0.0.0.0", "0.1.2.3", "::", "::1", "127.0.0.1", "127.255.255.254"],
  "private networks": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1", "fec0::1"],
  "link-local, with the clouds' metadata": [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "168.63.129.16",
    "192.0.0.192",
    "100.100.100.200",
  ],
  "shared by carriers (CGNAT)": ["100.64.0.1", "100.127.255.255"],
  "multicast and broadcast": ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
  "reserved and documentation": [
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "198.18.0.1",
    "240.0.0.1",
    "192.88.99.1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "2001:2::1",
    "5f00::1",
  ],
  "IPv4 inside IPv6": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::ffff:0:10.0.0.1"],
  "translated: NAT64, 6to4, Teredo": [
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "2001:0:4136:e378::1",
  ],
  "not assigned": ["4000::1", "8000::1"],
}

describe("refused", () => {
  for (const [kind, addresses] of Object.entries(refused)) {
    test.each(addresses)(`${kind}: %s`, (address) => {
      expect(isPublic(address)).toBe(false)
    })
  }
})

test.each([
  "1.1.1.1",
  "8.8.8.8",
  "93.184.216.34",
  "172.32.0.1",
  "192.169.0.1",
  "100.128.0.1",
  "11.0.0.1",
  "2606:4700:4700::1111",
  "2a00:1450:4001::1",
  "::ffff:8.8.8.8",
])("public: %s", (address) => {
  expect(isPublic(address)).toBe(true)
})

test.each([
  ["https://2130706433/", "127.0.0.1"],
  ["https://0x7f000001/", "127.0.0.1"],
  ["https://0177.0.0.1/", "127.0.0.1"],
  ["https://127.1/", "127.0.0.1"],
  ["https://127.0.0.1./", "127.0.0.1"],
  ["https://１２７.0.0.1/", "127.0.0.1"],
  ["https://[::ffff:127.0.0.1]/", "::ffff:7f00:1"],
])("the address %s is read as %s", (url, address) => {
  expect(literalOf(new URL(url).hostname)).toBe(address)
  expect(isPublic(address)).toBe(false)
})

test("a name is no address", () => {
  expect(literalOf("example.com")).toBeUndefined()
  expect(literalOf("localhost")).toBeUndefined()
})

test("an allowed network holds its own addresses, in both families, and nothing else", () => {
  const networks = parseNetworks(["127.0.0.0/8", "fd00::/8", "10.1.2.3"])
  expect(isInside("127.0.0.1", networks)).toBe(true)
  expect(isInside("::ffff:127.0.0.1", networks)).toBe(true)
  expect(isInside("fd12::1", networks)).toBe(true)
  expect(isInside("10.1.2.3", networks)).toBe(true)
  expect(isInside("10.1.2.4", networks)).toBe(false)
  expect(isInside("128.0.0.1", networks)).toBe(false)
  expect(isInside("::1", networks)).toBe(false)
})

test("text that is no network is refused with the right form", () => {
  expect(() => parseNetworks(["127.0.0.0/8", "localhost"])).toThrow(
    '"localhost" is not a network; write it like 127.0.0.0/8 or fd00::/8.',
  )
  expect(() => parseNetworks(["10.0.0.0/33"])).toThrow("is not a network")
})

test.each(["127", "127.0.0", "10.1/16", "127/8", "0x7f.0.0.1", "127.0.0.01"])(
  "an IPv4 address without four decimal parts is refused: %s",
  (text) => {
    expect(() => parseNetworks([text])).toThrow(`"${text}" is not a network; write it like 127.0.0.0/8 or fd00::/8.`)
  },
)
