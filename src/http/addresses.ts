/**
 * The address of each request, before any route sees it. Without a usable `Host` Bun's `request.url` is only a path,
 * which `new URL` refuses. Here such a request gets an absolute address. A refusal comes after the request is counted.
 * It stays Bun's own Request: a copy would have no client address, and could not become a WebSocket.
 */
import { Elysia } from "elysia"
import { BadRequest } from "./problems.ts"

/** Characters of an address. Our longest, with a cursor of 1,000 and all filters, stays below 3,000. */
export const maxAddressLength = 8 * 1024
/** Parameters of a query. Our longest query has fewer than twenty. */
export const maxParameters = 100

type Handle = (...given: unknown[]) => unknown

/** For Elysia's `wrap`: what answers the request sees a usable address, of a request that will be refused too. */
export function withAddress(handle: Handle, request: Request): Handle {
  const refusal = refusalOf(request)
  if (refusal !== undefined) {
    refusals.set(request, refusal)
    Object.defineProperty(request, "url", { value: "http://localhost/" })
  }
  return handle
}

/** Refuses what `withAddress` found. Comes after `limitRequests`, so that a refused request counts as any other. */
export const refuseAddresses = () =>
  new Elysia({ name: "addresses" }).onRequest(({ request }) => {
    const refusal = refusals.get(request)
    if (refusal !== undefined) throw refusal
  })

const refusals = new WeakMap<Request, BadRequest>()

function refusalOf(request: Request): BadRequest | undefined {
  const { url } = request
  if (url.length > maxAddressLength) {
    return new BadRequest(414, "address_too_long", `An address has at most ${maxAddressLength} characters.`)
  }
  if (hasMoreThan(maxParameters, url)) {
    return new BadRequest(400, "too_many_parameters", `A query has at most ${maxParameters} parameters.`)
  }
  const host = request.headers.get("host")
  // Several Host headers arrive as one text, with commas. A proxy may have believed another of them (RFC 9112, 3.2).
  if (host?.includes(",")) return invalidHost()
  if (url.startsWith("/")) {
    if (host) return invalidHost()
    // HTTP/1.0 asks without a Host.
    Object.defineProperty(request, "url", { value: `http://localhost${url}` })
    return undefined
  }
  return URL.canParse(url) ? undefined : invalidHost()
}

const invalidHost = () => new BadRequest(400, "invalid_host", "The Host header is not the name of one host.")

function hasMoreThan(limit: number, url: string): boolean {
  let count = 0
  for (let at = url.indexOf("?"); at !== -1 && count <= limit; at = url.indexOf("&", at + 1)) count++
  return count > limit
}
