// The address of a client, behind proxies and without, and the share that it uses.

import { expect, test } from "bun:test"
import { parseNetworks } from "#base/egress/addresses.ts"
import { clientAddress, shareOf } from "#base/limits/client-address.ts"

const proxies = parseNetworks(["10.0.0.0/8", "fd00::/8"])
const address = (socket: string, forwarded: string | readonly string[] | undefined, trusted = proxies) => {
  const headers = new Headers({ forwarded: "for=192.0.2.99" })
  for (const each of [forwarded ?? []].flat()) headers.append("x-forwarded-for", each)
  return clientAddress(socket, headers, trusted)
}

test("nobody's headers are believed but those of trusted proxies", () => {
  expect(address("203.0.113.7", "198.51.100.1")).toBe("203.0.113.7")
  expect(address("10.1.2.3", "198.51.100.1", [])).toBe("10.1.2.3")
  expect(address("10.1.2.3", "198.51.100.1")).toBe("198.51.100.1")
  expect(address("fd00::1", "198.51.100.1")).toBe("198.51.100.1")
})

test("the rightmost address that is no trusted proxy counts, over several proxies and header lines", () => {
  expect(address("10.0.0.1", "192.0.2.1, 198.51.100.1, 10.0.0.2")).toBe("198.51.100.1")
  expect(address("10.0.0.1", ["192.0.2.1", "198.51.100.1", "10.0.0.2,10.0.0.3"])).toBe("198.51.100.1")
})

test("without a believable address the last proxy is the client", () => {
  expect(address("10.0.0.1", undefined)).toBe("10.0.0.1")
  expect(address("10.0.0.1", "10.0.0.3, 10.0.0.2")).toBe("10.0.0.3")
  for (const odd of [
    "unknown",
    "",
    "_hidden",
    "198.51.100",
    "0x7f.0.0.1",
    "198.51.100.1:port",
    "[198.51.100.1",
    "1.2.3.4 5",
  ]) {
    expect(address("10.0.0.1", `192.0.2.1, ${odd}, 10.0.0.2`)).toBe("10.0.0.2")
  }
})

test("an address may have a port, brackets or a zone, and IPv4 in the form of IPv6 is IPv4", () => {
  expect(address("10.0.0.1", "198.51.100.1:4711")).toBe("198.51.100.1")
  expect(address("10.0.0.1", "[2001:db8::7]:4711")).toBe("2001:db8::7")
  expect(address("10.0.0.1", "[2001:DB8:0::7]")).toBe("2001:db8::7")
  expect(address("::ffff:10.0.0.1", "::ffff:198.51.100.1")).toBe("198.51.100.1")
  expect(address("::ffff:203.0.113.7", undefined)).toBe("203.0.113.7")
  expect(address("fe80::1%eth0", undefined)).toBe("fe80::1")
})

test("an IPv4 address is a share, and so are the 64 bits of a network of IPv6", () => {
  expect(shareOf("203.0.113.7")).toBe("203.0.113.7")
  expect(shareOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64")
  expect(shareOf("2001:db8:1:2::ffff")).toBe("2001:db8:1:2::/64")
  expect(shareOf("2001:db8:1:3::1")).toBe("2001:db8:1:3::/64")
  expect(shareOf("::1")).toBe("0:0:0:0::/64")
  expect(shareOf("unknown")).toBe("unknown")
})
