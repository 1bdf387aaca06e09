// A caller of the HTTP API, as a customer's script would be.

import { newId } from "#base/ids.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import { overApi, type Post } from "./over-api.ts"

export interface Answer<Body = Record<string, unknown>> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export interface Client {
  readonly get: <Body = Record<string, unknown>>(path: string) => Promise<Answer<Body>>
  readonly post: <Body = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer<Body>>
  readonly patch: <Body = Record<string, unknown>>(path: string, body: unknown) => Promise<Answer<Body>>
  readonly put: <Body = Record<string, unknown>>(path: string, body: unknown) => Promise<Answer<Body>>
  readonly delete: (path: string, headers?: Record<string, string>) => Promise<Answer>
}

export function clientOf(address: string, token: string = rootKey): Client {
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text === "" ? {} : JSON.parse(text) } as never
  }
  return {
    get: (path) => call("GET", path),
    post: (path, body, headers) => call("POST", path, body, headers),
    patch: (path, body) => call("PATCH", path, body),
    put: (path, body) => call("PUT", path, body),
    delete: (path, headers) => call("DELETE", path, undefined, headers),
  }
}

/** A club that is always open, and somebody who books there, made through the API. */
export async function makeClub(client: Client, { courts }: { courts: number }) {
  const post: Post = async (path, body) => {
    const answer = await client.post<Awaited<ReturnType<Post>>>(path, body)
    if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const { id, booker, ...resources } = await buildClub(
    overApi(post, () => `booker-${newId()}@example.com`),
    {
      facility: { name: "Test Club", timezone: "Europe/Berlin", sportTypes: ["tennis"] },
      courts: Array.from({ length: courts }, (_, nth) => `court${nth}` as const),
      people: { booker: "player" },
    },
  )
  return { facilityId: id, at: `/v1/facilities/${id}`, resourceIds: Object.values(resources), bookerId: booker.id }
}
