/**
 * Billing accounts: the payers of a facility.
 * - A person's own account is made at its first use.
 * - A parent may join children to a family account, which then receives their bookings and fees. Who belongs to it by a
 *   link belongs to it while the link lasts.
 * - All walk-in customers who pay at the desk share one account.
 * Writes: billing_accounts, billing_account_members.
 */
import * as Schema from "effect/Schema"
import { childrenOf, type Member, mayActFor, requireStaffMember } from "#access/caller.ts"
import { isMemberOf } from "#access/membership.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Name } from "#base/schema/request-fields.ts"
import type { SavedCard } from "./saved-card.ts"

/** The size of a family; a larger one asks staff for a second account. */
const maxMembers = 20

export const BillingAccountInput = Schema.Struct({
  type: Schema.Literal("family").annotateKey({ description: "individual accounts are made when they are needed" }),
  name: Schema.optionalKey(Name).annotateKey({ description: "unless given: the owner's name" }),
  ownerId: Schema.optionalKey(Id).annotateKey({
    description: "the parent; for staff and API keys, others leave it out",
  }),
  memberIds: Schema.Array(Id).check(Schema.isMinLength(1), Schema.isMaxLength(maxMembers), Schema.isUnique()),
})

export const BillingAccountQuery = Schema.Struct({
  ...pageQuery,
  type: Schema.optionalKey(Schema.Literals(["individual", "family", "walk_in"])),
  userId: Schema.optionalKey(Id).annotateKey({ description: "accounts that this person owns or belongs to" }),
})

export const BillingAccount = Schema.Struct({
  id: Id,
  facilityId: Id,
  type: Schema.Literals(["individual", "family", "walk_in"]),
  ownerId: Schema.NullOr(Id).annotateKey({ description: "null for the account of walk-in customers" }),
  name: Schema.String,
  memberIds: Schema.Array(Id).annotateKey({ description: "of a family, its owner among them" }),
  card: Schema.NullOr(Schema.String).annotateKey({ description: "the saved card, such as visa ···· 4242" }),
  balance: Schema.Int.annotate({
    description: "minor units of the facility's currency that are owed; negative: a credit",
  }),
  balances: Schema.Array(Schema.Struct({ currency: Schema.String, amount: Schema.Int })).annotate({
    description: "what is owed in each currency, also for a subscription that is paid in another one",
  }),
  createdAt: Schema.String,
}).annotate({ identifier: "BillingAccount" })
export type BillingAccount = typeof BillingAccount.Type

/**
 * Makes a family account of a parent, for children for whom the parent may pay.
 * @throws NotAllowed, InvalidInput, WrongState `in_a_family_account`
 */
export async function createFamilyAccount(
  tx: Tx,
  member: Member,
  input: typeof BillingAccountInput.Type,
): Promise<BillingAccount> {
  const { caller, facilityId, isStaff: staff } = member
  const ownerId = input.ownerId?.toLowerCase() ?? caller.userId
  if (ownerId !== caller.userId && !staff) throw new NotAllowed("Only staff and API keys may name an ownerId.")
  if (ownerId === caller.userId && caller.kind !== "person") {
    throw new InvalidInput([{ path: "body.ownerId", message: "Missing key: an API key acts for a person" }])
  }
  const children = input.memberIds.map((id) => id.toLowerCase()).filter((id) => id !== ownerId)
  if (!staff && !children.every((id) => mayActFor(member, id, "pay"))) {
    throw new NotAllowed("A family account is made for children for whom you may pay.")
  }
  const memberIds = [ownerId, ...children]
  const names = await namesOf(tx, facilityId, memberIds)
  requireKnown(names, ownerId, input.memberIds)
  const [row] = await tx<AccountRow[]>`
    insert into slotbase.billing_accounts (id, facility_id, type, owner_id, name)
    values (${newId()}, ${facilityId}, 'family', ${ownerId}, ${input.name ?? names.get(ownerId) ?? ""})
    returning *, 0::bigint as balance, '[]'::jsonb as balances, ${memberIds}::uuid[] as member_ids`
  if (!row) throw new Error("createFamilyAccount: the insert answered no row")
  // A link that has ended keeps nobody from joining another family.
  await tx`
    delete from slotbase.billing_account_members m using slotbase.billing_accounts a
    where m.user_id = any (${memberIds}::uuid[]) and m.facility_id = ${facilityId}
      and a.id = m.billing_account_id and a.facility_id = m.facility_id and not ${belongs(tx)}`
  const { count } = await tx`
    insert into slotbase.billing_account_members (billing_account_id, facility_id, user_id, by_link)
    select ${row.id}, ${facilityId}, m.user_id, ${isLinked(tx, tx`${ownerId}`, tx`${facilityId}`)}
    from unnest(${memberIds.toSorted()}::uuid[]) m (user_id)
    on conflict do nothing`
  if (count < memberIds.length) {
    throw new WrongState("in_a_family_account", "One of them already belongs to a family account of the facility.")
  }
  return accountOf(row)
}

/** The accounts that the caller owns or belongs to; all of them for staff. By id. Throws NotAllowed. */
export async function listBillingAccounts(
  db: Queryable,
  member: Member,
  query: typeof BillingAccountQuery.Type,
): Promise<Page<BillingAccount>> {
  const { facilityId } = member
  const people = peopleSeen(member, query.userId)
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Id]))
  const none = db``
  const rows = await db<AccountRow[]>`
    select ${columns(db)} from slotbase.billing_accounts a
    where a.facility_id = ${facilityId}
      ${query.type === undefined ? none : db`and a.type = ${query.type}`}
      ${people === undefined ? none : db`and ${isOfAny(db, people)}`}
      ${after === undefined ? none : db`and a.id > ${after[0]}`}
    order by a.id
    limit ${limit + 1}`
  return pageOf(rows, limit, (row) => [row.id], accountOf)
}

/** Throws NotFound, also for another person's account. */
export async function getBillingAccount(db: Queryable, member: Member, id: string): Promise<BillingAccount> {
  const { facilityId } = member
  const people = peopleSeen(member, undefined)
  const [row] = await db<AccountRow[]>`
    select ${columns(db)} from slotbase.billing_accounts a
    where a.id = ${id} and a.facility_id = ${facilityId} ${people === undefined ? db`` : db`and ${isOfAny(db, people)}`}`
  if (!row) throw new NotFound("billing account", id)
  return accountOf(row)
}

/**
 * The account for a person's bookings and fees: the family's account, or else the person's own, made at its first use.
 */
export async function accountIdOf(tx: Tx, facilityId: string, userId: string): Promise<string> {
  const [family] = await tx<{ id: string }[]>`
    select a.id from slotbase.billing_account_members m
    join slotbase.billing_accounts a on a.id = m.billing_account_id and a.facility_id = m.facility_id
    where m.user_id = ${userId} and m.facility_id = ${facilityId} and ${belongs(tx)}`
  if (family) return family.id
  await tx`
    insert into slotbase.billing_accounts (id, facility_id, type, owner_id, name)
    select ${newId()}, ${facilityId}, 'individual', u.id, u.first_name || ' ' || u.last_name
    from slotbase.users u where u.id = ${userId}
    on conflict (owner_id, facility_id) where type = 'individual' do nothing`
  const [own] = await tx<{ id: string }[]>`
    select id from slotbase.billing_accounts
    where owner_id = ${userId} and facility_id = ${facilityId} and type = 'individual'`
  if (!own) throw new NotFound("user", userId)
  return own.id
}

/** SQL: the account of a person as it is now, with `id` and `owner_id`; no row before its first use. */
export const accountOfPerson = (
  sql: Queryable,
  userId: ReturnType<Queryable>,
  facilityId: ReturnType<Queryable>,
): ReturnType<Queryable> => sql`
  select x.id, x.owner_id from (
    select a.id, a.owner_id, 0 as rank from slotbase.billing_account_members m
    join slotbase.billing_accounts a on a.id = m.billing_account_id and a.facility_id = m.facility_id
    where m.user_id = ${userId} and m.facility_id = ${facilityId} and ${belongs(sql)}
    union all
    select a.id, a.owner_id, 1 from slotbase.billing_accounts a
    where a.owner_id = ${userId} and a.facility_id = ${facilityId} and a.type = 'individual'
  ) x order by x.rank limit 1`

/** The people whose bookings and fees go to an account. */
export async function peopleOfAccount(db: Queryable, facilityId: string, id: string): Promise<readonly string[]> {
  const rows = await db<{ user_id: string }[]>`
    select m.user_id
    from slotbase.billing_accounts a
    join slotbase.billing_account_members m on m.billing_account_id = a.id and m.facility_id = a.facility_id
    where a.id = ${id} and a.facility_id = ${facilityId} and ${belongs(db)}
    union
    select a.owner_id from slotbase.billing_accounts a
    where a.id = ${id} and a.facility_id = ${facilityId} and a.type = 'individual'
      and not exists (select from slotbase.billing_account_members m
                      join slotbase.billing_accounts f on f.id = m.billing_account_id and f.facility_id = m.facility_id
                      where m.user_id = a.owner_id and m.facility_id = a.facility_id
                        and (not m.by_link or ${isLinked(db, db`f.owner_id`, db`f.facility_id`)}))
    order by user_id`
  return rows.map(({ user_id }) => user_id)
}

/** Answers false when the person is no member. Bookings and fees go to the person's own account from now on. */
export async function deleteMember(tx: Tx, facilityId: string, id: string, userId: string): Promise<boolean> {
  const { count } = await tx`
    delete from slotbase.billing_account_members
    where billing_account_id = ${id} and facility_id = ${facilityId} and user_id = ${userId}`
  return count > 0
}

/** The one account of all walk-in customers. */
export async function walkInAccountId(tx: Tx, facilityId: string): Promise<string> {
  await tx`
    insert into slotbase.billing_accounts (id, facility_id, type, name)
    values (${newId()}, ${facilityId}, 'walk_in', 'Walk-in customers')
    on conflict (facility_id) where type = 'walk_in' do nothing`
  const [row] = await tx<{ id: string }[]>`
    select id from slotbase.billing_accounts where facility_id = ${facilityId} and type = 'walk_in'`
  if (!row) throw new NotFound("facility", facilityId)
  return row.id
}

/** The display name of an account; undefined when the facility has no account of this id. */
export async function accountName(db: Queryable, facilityId: string, id: string): Promise<string | undefined> {
  const [row] = await db<{ name: string }[]>`
    select name from slotbase.billing_accounts where id = ${id} and facility_id = ${facilityId}`
  return row?.name
}

/**
 * Throws NotAllowed unless the account is the caller's own or the caller is staff.
 * Throws NotFound when the caller may not see it.
 */
export async function requireOwnAccount(db: Queryable, member: Member, id: string): Promise<void> {
  const { ownerId } = await getBillingAccount(db, member, id)
  if (ownerId !== member.caller.userId) requireStaffMember(member)
}

/** Stores a card in place of the earlier one. @param sealed its reference, sealed. */
export async function keepCardOn(
  tx: Tx,
  facilityId: string,
  id: string,
  card: SavedCard,
  sealed: Buffer,
): Promise<void> {
  await tx`
    update slotbase.billing_accounts
    set card_provider = ${card.provider}, sealed_card = ${sealed}, card_label = ${card.label}, updated_at = slotbase.now()
    where id = ${id} and facility_id = ${facilityId}`
}

export interface CardOnFile {
  readonly provider: SavedCard["provider"]
  readonly sealed: Buffer
  /** The owner of the card. */
  readonly ownerId: string
}

/** The saved card of an account. */
export async function cardOn(db: Queryable, facilityId: string, id: string): Promise<CardOnFile | undefined> {
  const [row] = await db<CardOnFile[]>`
    select card_provider as provider, sealed_card as sealed, owner_id as "ownerId" from slotbase.billing_accounts
    where id = ${id} and facility_id = ${facilityId} and sealed_card is not null`
  return row
}

/**
 * The people whose accounts a caller sees; undefined: all. Throws NotAllowed when a member asks for another person's.
 */
function peopleSeen(member: Member, asked: string | undefined): readonly string[] | undefined {
  const userId = asked?.toLowerCase()
  if (member.isStaff) return userId === undefined ? undefined : [userId]
  if (userId !== undefined && !mayActFor(member, userId, "pay")) throw new NotAllowed("Members see their own accounts.")
  return userId === undefined ? [member.caller.userId, ...childrenOf(member, "pay")] : [userId]
}

const isOfAny = (sql: Queryable, people: readonly string[]) => sql`
  (a.owner_id = any (${[...people]}::uuid[])
   or exists (select from slotbase.billing_account_members m
              where m.billing_account_id = a.id and m.facility_id = a.facility_id and m.user_id = any (${[...people]}::uuid[])
                and ${belongs(sql)}))`

/** Whether a member `m` of an account `a` belongs to it still: not when they joined by a link that has ended. */
const belongs = (sql: Queryable) => sql`(not m.by_link or ${isLinked(sql, sql`a.owner_id`, sql`a.facility_id`)})`

/** Whether the owner may pay for the member `m`, by a link of parent and child that counts in the facility. */
const isLinked = (sql: Queryable, ownerId: ReturnType<Queryable>, facilityId: ReturnType<Queryable>) => sql`
  exists (select from slotbase.child_links l
          where l.parent_id = ${ownerId} and l.child_id = m.user_id and l.status = 'linked' and 'pay' = any (l.permissions)
            and (l.facility_id is null or l.facility_id = ${facilityId}))`

async function namesOf(tx: Tx, facilityId: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx<{ id: string; name: string }[]>`
    select u.id, u.first_name || ' ' || u.last_name as name
    from slotbase.users u
    join slotbase.facilities f on f.id = ${facilityId}
    where u.id = any (${[...ids]}::uuid[]) and u.kind = 'person' and ${isMemberOf(tx, tx`u.id`)}`
  return new Map(rows.map(({ id, name }) => [id, name]))
}

function requireKnown(names: ReadonlyMap<string, string>, ownerId: string, memberIds: readonly string[]): void {
  const faults = memberIds.flatMap((id, n) =>
    names.has(id.toLowerCase()) ? [] : [{ path: `body.memberIds.${n}`, message: "names no member of the facility" }],
  )
  if (!names.has(ownerId)) faults.unshift({ path: "body.ownerId", message: "names no member of the facility" })
  if (faults.length > 0) throw new InvalidInput(faults)
}

const columns = (sql: Queryable) => sql`
  a.id, a.facility_id, a.type, a.owner_id, a.name, a.card_label, a.created_at,
  array(select m.user_id from slotbase.billing_account_members m
        where m.billing_account_id = a.id and m.facility_id = a.facility_id and ${belongs(sql)} order by m.user_id) as member_ids,
  (select coalesce(sum(l.amount), 0)::bigint from slotbase.payment_ledger l
   join slotbase.facilities f on f.id = l.facility_id and f.currency = l.currency
   where l.billing_account_id = a.id and l.facility_id = a.facility_id and l.account = 'receivable') as balance,
  (select coalesce(jsonb_agg(jsonb_build_object('currency', c.currency, 'amount', c.amount) order by c.currency), '[]')
   from (select l.currency, sum(l.amount) as amount from slotbase.payment_ledger l
         where l.billing_account_id = a.id and l.facility_id = a.facility_id and l.account = 'receivable'
         group by l.currency having sum(l.amount) <> 0) c) as balances`

interface AccountRow {
  id: string
  facility_id: string
  type: BillingAccount["type"]
  owner_id: string | null
  name: string
  card_label: string | null
  member_ids: string[]
  balance: number
  balances: BillingAccount["balances"]
  created_at: Date
}

const accountOf = (row: AccountRow): BillingAccount => ({
  id: row.id,
  facilityId: row.facility_id,
  type: row.type,
  ownerId: row.owner_id,
  name: row.name,
  memberIds: row.member_ids.toSorted(),
  card: row.card_label,
  balance: row.balance,
  balances: row.balances,
  createdAt: row.created_at.toISOString(),
})
