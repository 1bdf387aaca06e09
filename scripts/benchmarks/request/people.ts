// Members of staff, because staff needs no payment. Each person books for herself, with her own session. If one user
// booked everything, all transactions would share the lock of one row of users. That costs more the longer transactions
// stay open, and real load is not like that.

import { type Client, clientOf } from "#test/harness/api/client.ts"

export interface Person {
  readonly id: string
  readonly token: string
}

/** Registers people, makes them staff of the facility and signs them in. */
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
    const role = { role: "staff", scopeType: "facility", scopeId: facilityId }
    const granted = await client.post(`/v1/users/${user.body.id}/roles`, role)
    const session = await clientOf(address).post<{ token: string }>("/v1/sessions", account)
    for (const { status, body } of [user, granted, session])
      if (status !== 201) throw new Error(`person ${n}: ${JSON.stringify(body)}`)
    people.push({ id: user.body.id, token: session.body.token })
  }
  return people
}
