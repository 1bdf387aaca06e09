/**
 * What a facility keeps about its members. A number is used once in the facility: the constraint decides. Whoever left
 * keeps it until another member gets it.
 * Writes: member_details.
 */
import { isMemberOf } from "#access/membership.ts"
import { textArray } from "#base/database/array-literal.ts"
import type { Tx } from "#base/database/transaction.ts"
import { WrongState } from "#base/errors.ts"

/** Null: not known. */
export interface MemberDetails {
  readonly memberNumber: string | null
  readonly phone: string | null
  readonly postalCode: string | null
}

/** Throws WrongState `member_number_taken`. */
export async function keepDetails(
  tx: Tx,
  facilityId: string,
  members: readonly (MemberDetails & { readonly userId: string })[],
): Promise<void> {
  if (members.length === 0) return
  await freeNumbers(
    tx,
    facilityId,
    members.flatMap(({ memberNumber }) => memberNumber ?? []),
  )
  try {
    await tx`
      insert into slotbase.member_details (user_id, facility_id, member_number, phone, postal_code)
      select "userId", ${facilityId}, "memberNumber", phone, "postalCode"
      from jsonb_to_recordset(${tx.json(members as never)})
        as m ("userId" uuid, "memberNumber" text, phone text, "postalCode" text)
      order by "userId"
      on conflict (user_id, facility_id) do update
      set member_number = excluded.member_number, phone = excluded.phone, postal_code = excluded.postal_code,
          updated_at = slotbase.now()`
  } catch (error) {
    if ((error as { readonly constraint_name?: string }).constraint_name !== "member_number_used_once") throw error
    throw new WrongState("member_number_taken", "Another member of the facility has this member number.")
  }
}

/** Takes the numbers from people who have left. Nobody else would see why a number is taken. */
async function freeNumbers(tx: Tx, facilityId: string, numbers: readonly string[]): Promise<void> {
  if (numbers.length === 0) return
  await tx`
    update slotbase.member_details d set member_number = null, updated_at = slotbase.now()
    from slotbase.facilities f
    where f.id = ${facilityId} and d.facility_id = ${facilityId}
      and d.member_number = any (${textArray(numbers)}::text::text[]) and not ${isMemberOf(tx, tx`d.user_id`)}`
}
