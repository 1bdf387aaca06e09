/**
 * Imports members from a file. Each new one is a guest whom staff can book for at once. A guest with an address may be
 * invited, and becomes an account by setting a password. Importing a file twice changes nothing the second time.
 */
import type { Admin } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"
import { inviteToAccount } from "#domain/people/accounts/passwords.ts"
import { registerWalkIns } from "#domain/people/users.ts"
import { requireEntitlement, useEntitlement } from "#domain/plans/entitlements.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { facilityScope } from "#events/scope.ts"
import type { ImportedLine, ImportReport } from "./answer.ts"
import type { CheckedFile, CheckedLine } from "./check-lines.ts"
import { keepDetails } from "./rows.ts"

/**
 * Records `user.created` for each new member, `user.invited` for each invited one, and `members.imported`.
 * @param file its lines are checked; the report names those that were refused
 * @throws NotFound, RuleBroken `limit_reached`: then nothing is imported
 */
export async function importMembers(
  tx: Tx,
  secrets: SecretBox,
  { caller, facilityId }: Admin,
  file: CheckedFile,
  { invite, dryRun }: { readonly invite: boolean; readonly dryRun: boolean },
): Promise<ImportReport> {
  const scope = await facilityScope(tx, facilityId)
  if (!scope) throw new NotFound("facility", facilityId)
  // Imports of one club run one after the other. Otherwise two of one file would make everybody twice.
  await tx`select pg_advisory_xact_lock(hashtext('slotbase member import'), hashtext(${facilityId}))`
  const known = await knownMembers(tx, facilityId, file.lines)
  const there = new Map([...known].map(([line, { userId }]) => [line, userId]))
  const judged = file.lines.map((line) => withoutAnothers(line, known.get(line.line)))
  const fresh = judged.filter((line) => line.faults.length === 0 && !there.has(line.line))
  const ids = new Map(fresh.map(({ line }) => [line, newId()]))
  const invited = new Set<number>()
  if (dryRun) {
    noteChange(tx, "nothing")
    if (fresh.length > 0) await requireEntitlement(tx, facilityId, "active_users", fresh.length)
  } else if (fresh.length > 0) {
    const people = fresh.map((line) => ({ ...line.member, id: ids.get(line.line) ?? newId(), facilityId }))
    await registerWalkIns(tx, scope, people, caller.userId)
    await keepDetails(
      tx,
      facilityId,
      people.map(({ id, ...details }) => ({ ...details, userId: id })),
    )
    if (invite)
      for (const { line } of fresh)
        if (await inviteToAccount(tx, secrets, ids.get(line) ?? "", scope, caller.userId)) invited.add(line)
    await useEntitlement(tx, facilityId, "active_users", fresh.length)
  }
  const lines = judged.map((line): ImportedLine => {
    const { faults } = line
    const userId = there.get(line.line) ?? (dryRun ? undefined : ids.get(line.line))
    const status = faults.length > 0 ? "refused" : there.has(line.line) ? "exists" : "created"
    return {
      line: line.line,
      status,
      userId: status === "refused" ? null : (userId ?? null),
      invited: invited.has(line.line),
      faults,
    }
  })
  const count = (status: ImportedLine["status"]) => lines.filter((line) => line.status === status).length
  const counts = {
    created: count("created"),
    existing: count("exists"),
    refused: count("refused"),
    invited: invited.size,
  }
  if (!dryRun) {
    noteChange(tx, counts.created > 0 ? { subjectType: "facility", subjectId: facilityId, after: counts } : "nothing")
    if (counts.created > 0)
      record(tx, { type: "members.imported", ...scope, data: { facilityId, ...counts, importedBy: caller.userId } })
  }
  return { dryRun, delimiter: file.delimiter, columns: file.columns, ...counts, lines }
}

interface KnownMember {
  readonly userId: string
  readonly memberNumber: string | null
}

/**
 * Refuses a line with the address of a member and another number. A family may share an address, and the club tells
 * its members apart by their numbers.
 */
function withoutAnothers(line: CheckedLine, known: KnownMember | undefined): CheckedLine {
  const { memberNumber } = line.member
  const theirs = known?.memberNumber ?? null
  if (memberNumber === null || theirs === null || theirs === memberNumber) return line
  return {
    ...line,
    faults: [...line.faults, { column: "email", message: `is that of the member with the number ${theirs}` }],
  }
}

/** The lines that name members of the facility, by member number or else by address. */
async function knownMembers(
  tx: Tx,
  facilityId: string,
  lines: readonly CheckedLine[],
): Promise<ReadonlyMap<number, KnownMember>> {
  const asked = lines
    .filter(({ faults }) => faults.length === 0)
    .map(({ line, member }) => ({ line, email: member.contactEmail, number: member.memberNumber }))
  const rows = await tx<(KnownMember & { readonly line: number })[]>`
    with member as materialized (
      select distinct u.id, coalesce(u.email, u.contact_email) as email, d.member_number
      from slotbase.facilities f
      join slotbase.role_grants g on g.scope_type = 'facility' and g.scope_id = f.id
        or g.scope_type = 'organization' and g.scope_id = f.organization_id
      join slotbase.users u on u.id = g.user_id and u.kind = 'person'
      left join slotbase.member_details d on d.user_id = u.id and d.facility_id = f.id
      where f.id = ${facilityId}
    )
    select distinct on (l.line) l.line, m.id as "userId", m.member_number as "memberNumber"
    from jsonb_to_recordset(${tx.json(asked as never)}) as l (line integer, email text, number text)
    join member m on m.member_number = l.number or m.email = l.email
    order by l.line, (m.member_number = l.number) desc nulls last, m.id`
  return new Map(rows.map(({ line, ...known }) => [line, known]))
}
