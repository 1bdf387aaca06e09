// People who book for themselves, each with a session. If one booked for everybody, all transactions would share the lock of
// one row of users, which costs the more the longer they stay open: not what a Saturday morning looks like.

import { type Client, clientOf } from "../../../test/harness/client.ts"

export interface Person {
  readonly id: string
  readonly token: string
}

/** Registers so many people and signs them in. */
export async function makePeople(client: Client, address: string, facilityId: string, count: number) {
  const people: Person[] = []
  for (let n = 0; n < count; n++) {
    const account = { email: `person-${n}@example.com`, password: "a long password 1" }
    const user = await client.post<{ id: string }>("/v1/users", {
      ...account,
      firstName: "Anna",
      lastName: `Number ${n}`,
      facilityId,
    })
    const session = await clientOf(address).post<{ token: string }>("/v1/sessions", account)
    if (user.status !== 201 || session.status !== 201) throw new Error(`no person: ${JSON.stringify([user, session])}`)
    people.push({ id: user.body.id, token: session.body.token })
  }
  return people
}
