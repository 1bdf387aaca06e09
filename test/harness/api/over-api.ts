// Clubs built by requests, as a customer would build them: with each check, each default and each event.

import type { Builder } from "#test/harness/club/build.ts"

/** Sends a request and answers the body of its 201; any other status throws. Public: without credentials. */
export type Post = (
  path: string,
  body: object,
  as: "root" | "public",
) => Promise<{ readonly id: string; readonly token: string }>

export interface SignedUp {
  readonly id: string
  readonly email: string
  readonly token: string
}

export interface ApiBuilder extends Builder<SignedUp> {
  /** A person may also have no role. */
  readonly person: (role?: string, facilityId?: string) => Promise<SignedUp>
}

export const password = "correct horse battery"

/** @param emailOf the address of the n-th person. */
export function overApi(post: Post, emailOf: (nth: number) => string): ApiBuilder {
  let people = 0
  return {
    async facility(given) {
      const facility = { name: "Riverside", timezone: "Europe/Berlin", currency: "EUR", ...given }
      return (await post("/v1/facilities", facility, "root")).id
    },
    async court(facilityId, name) {
      const court = { name, resourceType: "court", hourlyPrice: 2400 }
      return (await post(`/v1/facilities/${facilityId}/resources`, court, "root")).id
    },
    async person(role, facilityId) {
      const email = emailOf(++people)
      const { id } = await post("/v1/users", { email, password, firstName: "Mia", lastName: "Keller" }, "public")
      const grant = { role, scopeType: "facility", scopeId: facilityId }
      if (role && facilityId) await post(`/v1/users/${id}/roles`, grant, "root")
      const { token } = await post("/v1/sessions", { email, password }, "public")
      return { id, email, token }
    },
  }
}
