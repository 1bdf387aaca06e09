/**
 * A typed client of the HTTP API, for programs in TypeScript: Elysia's Eden over the types of the routes. Nothing is
 * generated. The client's input has the type that the route decodes, and its answer the type that the route answers.
 * Instants stay text, as in JSON.
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
 * `data` is the answer, or null when there is an `error`, with its `status` and its `value`, a `Problem`.
 * @param server An address such as http://127.0.0.1:3000, or a server in this process, which is called without a
 * socket.
 * @param token A session's token or an API key. Omit it to register and to sign in.
 */
export const client = (server: string | Server, token?: string): Client =>
  treaty<Described>(server as string, {
    parseDate: false,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  })

/** The server as its clients see it: every failure is a problem document. */
type Described =
  Elysia extends Elysia<infer Base, infer Singleton, infer Definitions, infer Metadata>
    ? Elysia<Base, Singleton, Definitions, Metadata, WithProblems<Routes>>
    : never

/** The routes of all areas together. From the whole server the compiler would have to unwind them area by area. */
type Routes = Together<ReturnType<(typeof areas)[number]>["~Routes"]>
type Together<Area> = (Area extends unknown ? (area: Area) => void : never) extends (all: infer All) => void
  ? All
  : never

type WithProblems<Routes> = {
  [Part in keyof Routes]: Routes[Part] extends { readonly body: unknown; readonly response: infer Answers }
    ? Omit<Routes[Part], "response"> & { response: Good<Answers> & { [Status in Refused]: Problem } }
    : WithProblems<Routes[Part]>
}
/** Every error handler answers with a Response, which Elysia adds to the answers of each route. */
type Good<Answers> = { [Status in Extract<keyof Answers, 200 | 201 | 202 | 204>]: Exclude<Answers[Status], Response> }
type Refused = 400 | 401 | 403 | 404 | 409 | 413 | 414 | 415 | 422 | 429 | 500 | 503
