/**
 * A person's phone number for text messages. It counts when the code that was sent to it has come back. Until then the
 * number before it stays.
 */
import type { Caller } from "#access/caller.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotFound, RuleBroken } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { type SecretBox, sameSecret } from "#base/secrets.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { codeMinutes, phoneCodeOf } from "./codes.ts"
import type { PhoneAnswer, PhoneInput } from "./input.ts"
import { e164Of } from "./numbers.ts"
import { countTry, deletePhone, findPhone, type PhoneRow, takeWanted, wantPhone } from "./rows.ts"

/** The number of a request in E.164. Throws InvalidInput. */
export function numberIn({ number, country }: typeof PhoneInput.Type): string {
  const found = e164Of(number, country)
  if (typeof found === "string") return found
  throw new InvalidInput([{ path: "body.number", message: found.wrong }])
}

export const readPhone = async (db: Queryable, caller: Caller): Promise<typeof PhoneAnswer.Type> =>
  answerOf(await findPhone(db, caller))

/** Asks for a code, which a text brings to the number. Records `user.phone_code_requested`. Throws RuleBroken. */
export async function askPhoneCode(tx: Tx, caller: Caller, number: string): Promise<typeof PhoneAnswer.Type> {
  const before = await findPhone(tx, caller)
  if (before?.number === number)
    throw new RuleBroken("same_phone", "Texts go to this number already.", [
      { path: "body.number", message: "Expected another number than the present one" },
    ])
  const codeId = newId()
  const codeExpiresAt = await wantPhone(tx, caller, number, codeId)
  noteChange(tx, { subjectType: "user", subjectId: caller.userId, after: { wanted: number } })
  record(tx, {
    type: "user.phone_code_requested",
    data: { userId: caller.userId, codeId, number, expiresInMinutes: codeMinutes },
  })
  return answerOf({ number: null, verifiedAt: null, ...before, wanted: number, codeExpiresAt })
}

/** Whether the code is right. Answers the id of the code. Throws RuleBroken `wrong_phone_code`, `no_phone_code`. */
export async function checkPhoneCode(db: Db, secrets: SecretBox, caller: Caller, code: string): Promise<string> {
  const codeId = await countTry(db, caller)
  if (codeId === undefined) throw noCode()
  if (!sameSecret(code, phoneCodeOf(secrets, codeId))) throw wrongCode()
  return codeId
}

/** Takes the number whose code has come back. Records `user.updated`. Throws RuleBroken `no_phone_code`. */
export async function verifyPhone(tx: Tx, caller: Caller, codeId: string): Promise<typeof PhoneAnswer.Type> {
  const taken = await takeWanted(tx, caller, codeId)
  if (!taken) throw noCode()
  const { number, verifiedAt, before } = taken
  noteChange(tx, { subjectType: "user", subjectId: caller.userId, before: { phone: before }, after: { phone: number } })
  record(tx, { type: "user.updated", data: { userId: caller.userId, changed: ["phone"], updatedBy: caller.userId } })
  return answerOf({ number, verifiedAt, wanted: null, codeExpiresAt: null })
}

/** No text is sent any more. Records `user.updated`. Throws NotFound. */
export async function removePhone(tx: Tx, caller: Caller): Promise<void> {
  const phone = await deletePhone(tx, caller)
  if (phone === undefined) throw new NotFound("phone number")
  noteChange(tx, { subjectType: "user", subjectId: caller.userId, before: { phone }, after: { phone: null } })
  record(tx, { type: "user.updated", data: { userId: caller.userId, changed: ["phone"], updatedBy: caller.userId } })
}

const answerOf = (row: PhoneRow | undefined): typeof PhoneAnswer.Type => ({
  number: row?.number ?? null,
  verifiedAt: row?.verifiedAt?.toISOString() ?? null,
  wanted: row?.wanted ?? null,
  codeExpiresAt: row?.codeExpiresAt?.toISOString() ?? null,
})

const wrongCode = () =>
  new RuleBroken("wrong_phone_code", "This is not the code of the text.", [
    { path: "body.code", message: "Expected the code of the latest text" },
  ])
const noCode = () =>
  new RuleBroken(
    "no_phone_code",
    "No code is open: it has ended, or too many wrong ones were given. Ask for a new one.",
    [{ path: "body.code", message: "Expected the code of an open request" }],
  )
