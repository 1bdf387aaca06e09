/** Answers 405 with `Allow` for an address that has routes with other methods only. It comes first in the server. */
import { Elysia } from "elysia"
import { BadRequest, errorAnswerOf, responseOf } from "#http/problems.ts"

interface KnownRoute {
  readonly method: string
  readonly path: string
}

/** @param routes The routes of the whole server. Called once, at the first unknown address. */
export function otherMethods(routes: () => readonly KnownRoute[]) {
  let known: { methods: Set<string>; pattern: RegExp }[] | undefined
  return new Elysia({ name: "other-methods" }).onError({ as: "global" }, ({ code, request, set }) => {
    if (code !== "NOT_FOUND") return
    known ??= patternsOf(routes())
    const { pathname } = new URL(request.url)
    const allowed = known.filter(({ pattern }) => pattern.test(pathname)).flatMap(({ methods }) => [...methods])
    // The router saw `/v1/./me` unchanged, and `URL` has removed its dots: the method is known, but the address is not.
    if (allowed.length === 0 || allowed.includes(request.method)) return
    const allow = [...new Set(allowed)].sort().join(", ")
    const answer = errorAnswerOf(new BadRequest(405, "method_not_allowed", `This address knows ${allow}.`, { allow }))
    if (answer) return responseOf(answer, { request, set })
  })
}

function patternsOf(routes: readonly KnownRoute[]) {
  const byPath = new Map<string, Set<string>>()
  for (const { method, path } of routes) {
    // Elysia's method for a WebSocket; clients open it with GET.
    if (method === "WS") continue
    byPath.set(path, (byPath.get(path) ?? new Set()).add(method))
  }
  return [...byPath].map(([path, methods]) => ({
    methods,
    pattern: new RegExp(`^${path.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/:[^/]+/g, "[^/]+")}$`),
  }))
}
