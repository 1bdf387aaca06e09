/** The sessions that a person ends: one by its id, or all but the present one. Only `sessions.ts` of access writes. */
import type { Caller } from "#access/caller.ts"
import { endSessionById, endSessionsOf } from "#access/sessions.ts"
import type { Tx } from "#base/database/transaction.ts"
import { lockAccount } from "#domain/people/users.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"

/** Records `user.sessions_ended`. Throws NotFound. */
export async function endOneSession(tx: Tx, caller: Caller, sessionId: string): Promise<void> {
  const { userId } = caller
  await endSessionById(tx, caller, sessionId)
  noteChange(tx, { subjectType: "user", subjectId: userId, after: { sessionId } })
  record(tx, { type: "user.sessions_ended", data: { userId, sessionsEnded: 1, sessionId } })
}

/** Records `user.sessions_ended`, unless there is no other. Answers how many have ended. */
export async function endOtherSessions(
  tx: Tx,
  { userId }: Caller,
  token: string,
): Promise<{ readonly sessionsEnded: number }> {
  await lockAccount(tx, userId)
  const sessionsEnded = await endSessionsOf(tx, userId, token)
  if (sessionsEnded === 0) {
    noteChange(tx, "nothing")
    return { sessionsEnded }
  }
  noteChange(tx, { subjectType: "user", subjectId: userId, after: { sessionsEnded } })
  record(tx, { type: "user.sessions_ended", data: { userId, sessionsEnded } })
  return { sessionsEnded }
}
