/**
 * A typed client of the HTTP API, for programs in TypeScript: Elysia's Eden over the types of the routes themselves. What
 * a route decodes is what the client must send, and what it answers is what the client gets; nothing is generated.
 * Instants stay text, as they travel.
 */
import { treaty } from "@elysiajs/eden"
import type { Elysia } from "elysia"
import type { Problem } from "#http/problems.ts"
import type { areas } from "./areas.ts"

export type { Problem } from "#http/problems.ts"

/** A server in this process. */
export interface Server {
  handle(request: Request): Promise<Response>
}
export type Client = ReturnType<typeof treaty<Described>>

/**
 * `const { data, error } = await client(url, token).v1.facilities({ facilityId }).bookings.post({ … })`
 *
 * `data` is the answer, or null when there is an `error`: its `status`, and its `value`, a `Problem`.
 * @param server An address such as http://127.0.0.1:3000; or a server in this process, which is called without a socket.
 * @param token Of a session, or an API key. Left out: none, for registering and signing in.
 */
export const client = (server: string | Server, token?: string): Client =>
  treaty<Described>(server as string, {
    parseDate: false,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  })

/** The server as its clients meet it: whatever fails is a problem document. */
type Described =
  Elysia extends Elysia<infer Base, infer Singleton, infer Definitions, infer Metadata>
    ? Elysia<Base, Singleton, Definitions, Metadata, WithProblems<Routes>>
    : never

/** The routes of all areas together; asked of the whole server, the compiler would have to unwind it area by area. */
type Routes = Together<ReturnType<(typeof areas)[number]>["~Routes"]>
type Together<Area> = (Area extends unknown ? (area: Area) => void : never) extends (all: infer All) => void
  ? All
  : never

type WithProblems<Routes> = {
  [Part in keyof Routes]: Routes[Part] extends { readonly body: unknown; readonly response: infer Answers }
    ? Omit<Routes[Part], "response"> & { response: Good<Answers> & { [Status in Refused]: Problem } }
    : WithProblems<Routes[Part]>
}
/** Every handler of errors answers with a Response, which Elysia counts among the answers of each route. */
type Good<Answers> = { [Status in Extract<keyof Answers, 200 | 201 | 202 | 204>]: Exclude<Answers[Status], Response> }
type Refused = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 500 | 503
