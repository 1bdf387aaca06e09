// A caller of the HTTP API, as a customer's script would be.

import { rootKey } from "#test/harness/setup/system.ts"

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
  readonly delete: (path: string) => Promise<Answer>
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
    delete: (path) => call("DELETE", path),
  }
}

export const allWeek = Object.fromEntries(
  ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].map((day) => [
    day,
    [{ open: "00:00", close: "24:00" }],
  ]),
)

/** A club that is always open, made through the API. */
export async function makeClub(client: Client, { courts }: { courts: number }) {
  const facility = await client.post<{ id: string }>("/v1/facilities", {
    name: "Test Club",
    timezone: "Europe/Berlin",
    currency: "EUR",
    sportTypes: ["tennis"],
    openingHours: allWeek,
  })
  if (facility.status !== 201) throw new Error(`no facility: ${JSON.stringify(facility.body)}`)
  const at = `/v1/facilities/${facility.body.id}`
  const resourceIds: string[] = []
  for (let n = 1; n <= courts; n++) {
    const court = await client.post<{ id: string }>(`${at}/resources`, {
      name: `Court ${n}`,
      resourceType: "court",
      hourlyPrice: 2400,
    })
    if (court.status !== 201) throw new Error(`no court: ${JSON.stringify(court.body)}`)
    resourceIds.push(court.body.id)
  }
  const email = `booker-${facility.body.id}@example.com`
  const booker = await client.post<{ id: string }>("/v1/users", {
    email,
    password: "a long password 1",
    firstName: "Anna",
    lastName: "Booker",
    facilityId: facility.body.id,
  })
  if (booker.status !== 201) throw new Error(`no booker: ${JSON.stringify(booker.body)}`)
  return { facilityId: facility.body.id, at, resourceIds, bookerId: booker.body.id, bookerEmail: email }
}

/** The n-th whole hour from tomorrow's midnight, UTC. */
export function hour(n: number): { startAt: string; endAt: string } {
  const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000
  const at = (hours: number) => new Date(midnight + hours * 3_600_000).toISOString()
  return { startAt: at(n), endAt: at(n + 1) }
}
