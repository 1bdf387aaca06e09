// Promises that the compiler keeps: no booking and no payment without its before hooks, no booking without the right to
// it. Each `@ts-expect-error` names code that must not compile; the type check fails when such code compiles.

import { expect, test } from "bun:test"
import { type Admin, type Caller, type Member, requireMember, requireStaff, type Staff } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { createBooking } from "#domain/booking/book.ts"
import { runBeforeHooks } from "#domain/booking/hooks.ts"
import type { BookingInput } from "#domain/booking/input.ts"
import { type MayBook, requireMayBook } from "#domain/booking/may-book.ts"
import { planBooking } from "#domain/booking/plan.ts"
import { beginPayment, type PaymentAsked } from "#domain/payments/begin.ts"
import type { RequestTools } from "#http/route.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

const wanted: BookingInput = {
  resourceId: newId(),
  startAt: "2031-03-04T10:00:00Z",
  endAt: "2031-03-04T11:00:00Z",
  paymentMethod: "online",
}
const facilityId = newId()
const caller: Caller = {
  userId: newId(),
  kind: "person",
  name: "Mia",
  email: null,
  grants: [{ role: "player", scopeType: "facility", scopeId: facilityId }],
  tokenExpiresAt: null,
}
const member = requireMember(caller, facilityId)
const mayBook = requireMayBook(member, wanted)
const hooked = await runBeforeHooks(undefined, member, wanted, () => wanted)
/** None of these tests reaches the database. */
const tx = undefined as unknown as Tx

test("a route that forgets the before hooks of a booking does not compile", () => {
  const forgetful = ({ command }: RequestTools) => [
    // @ts-expect-error the input comes straight from the request
    command((tx) => createBooking(tx, mayBook, wanted)),
    // @ts-expect-error nothing makes the second argument of the command
    command((tx, hooked: Hooked<BookingInput>) => createBooking(tx, mayBook, hooked), { status: 201 }),
    command((tx, hooked: Hooked<BookingInput>) => createBooking(tx, mayBook, hooked), {
      // @ts-expect-error `before` answers the input, and not what the hooks left of the input
      before: async () => wanted,
    }),
  ]
  expect(forgetful).toBeFunction()
})

test("a route that forgets the before hooks of a payment does not compile", () => {
  const forgetful = (app: Parameters<typeof beginPayment>[1], asked: PaymentAsked) =>
    // @ts-expect-error the payment comes straight from the request
    beginPayment(tx, app, caller, asked, "tok_visa")
  expect(forgetful).toBeFunction()
})

test("what the hooks let pass, a membership and a right are made nowhere else, and copied nowhere", async () => {
  const everything = { isStaff: true, isAtLeast: () => true }
  const asStaff = requireStaff(
    { ...caller, grants: [{ role: "staff", scopeType: "facility", scopeId: facilityId }] },
    facilityId,
  )
  // @ts-expect-error no object is what the hooks let pass
  const made: Hooked<BookingInput> = { input: wanted }
  // @ts-expect-error a copy with another input is not
  const copied: Hooked<BookingInput> = { ...hooked, input: wanted }
  // @ts-expect-error no object is a membership
  const stranger: Member = { caller, facilityId, ...everything }
  // @ts-expect-error a copy for another facility is not
  const elsewhere: Member = { ...member, facilityId: newId(), ...everything }
  // @ts-expect-error a member is not staff
  const staff: Staff = member
  // @ts-expect-error staff are not administrators
  const admin: Admin = asStaff
  // @ts-expect-error no object is a right
  const right: MayBook = { member, covers: () => true }
  // @ts-expect-error a copy that covers everything is not
  const wide: MayBook = { ...mayBook, covers: () => true }
  expect([made, copied, stranger, elsewhere, staff, admin, right, wide]).toHaveLength(8)
  for (const module of [import("#base/hooks.ts"), import("#access/caller.ts"), import("#domain/booking/may-book.ts")]) {
    const exported = Object.keys(await module)
    expect(exported.filter((name) => ["Hooked", "Member", "Staff", "Admin", "MayBook"].includes(name))).toEqual([])
  }
})

test("a right that does not cover what the hooks left is asked for again", async () => {
  const left = async (changes: Partial<BookingInput>) =>
    runBeforeHooks(undefined, member, { ...wanted, ...changes }, () => wanted)
  for (const changes of [{ bookerId: newId() }, { bookingType: "maintenance" }] as const) {
    expect(await failure(planBooking(tx, mayBook, await left(changes)))).toMatchObject({ _tag: "NotAllowed" })
  }
})

test("only routes, http/, api/ and the entry file know the App; what they call takes what it uses", async () => {
  const project = `${import.meta.dir}/../..`
  const knowing = []
  for await (const path of new Bun.Glob("{src,actors}/**/*.ts").scan({ cwd: project })) {
    if (/["/]app\.ts"/.test(await Bun.file(`${project}/${path}`).text())) knowing.push(path)
  }
  expect(knowing.length).toBeGreaterThan(40)
  const may = /^src\/(http\/|api\/|main\.ts$|.*\/routes(\/|\.ts$))/
  expect(knowing.filter((path) => !may.test(path))).toEqual([])
})
