/**
 * Who is signed in. The token is in memory. A cookie that no script reads keeps it over a reload. The
 * cookie goes to an address of its own. In another site's frame the browser sends no cookie, and one signs in anew.
 */
import type { Me } from "./answers.ts"
import type { Api } from "./api.ts"

const cookieAddress = "/f/session"

/** The session of the last visit; undefined: there is none. Throws Away. */
export async function resumeSession(api: Api): Promise<Me | undefined> {
  const answer = await ask("POST").catch(() => undefined)
  if (answer?.status !== 200) return undefined
  api.token = ((await answer.json()) as { token: string }).token
  return api.get<Me>("/v1/me")
}

/** Throws Refused, Away. */
export async function signIn(api: Api, email: string, password: string): Promise<Me> {
  const { token } = await api.send<{ token: string }>("POST", "/v1/sessions", { email, password })
  api.token = token
  // Without the cookie the session lasts until the page is left, which is no reason to fail.
  await ask("PUT", token).catch(() => undefined)
  return api.get<Me>("/v1/me")
}

export interface NewPerson {
  readonly email: string
  readonly password: string
  readonly firstName: string
  readonly lastName: string
}

/** Registers a player of the facility, and signs them in. Throws Refused, Away. */
export async function register(api: Api, person: NewPerson, facilityId: string, language: string): Promise<Me> {
  const wanted = { ...person, facilityId, language, registrationSource: "web" }
  await api.send("POST", "/v1/users", wanted)
  return signIn(api, person.email, person.password)
}

/** The token opens nothing any more, on any device. */
export async function signOut(api: Api): Promise<void> {
  const ended = [api.send("DELETE", "/v1/sessions"), ask("DELETE")]
  // Before the answer: what is refused from here on is no session that somebody else has ended.
  api.token = undefined
  await Promise.allSettled(ended)
}

const ask = (method: string, token?: string): Promise<Response> =>
  fetch(cookieAddress, {
    method,
    cache: "no-store",
    // The page begins to follow the day when it knows who is there: it does not wait for a silent network.
    signal: AbortSignal.timeout(10_000),
    headers: { "x-slotbase-page": "1", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  })
