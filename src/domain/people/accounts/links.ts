/**
 * Single-use links of accounts. A token is derived from the id of its row under the secret key, and kept nowhere. The
 * row has its hash, and the mailer derives it again when a mail leaves. A newer link of the same purpose takes the row
 * of the older one, and so ends it.
 * Writes: account_links.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { hashToken, type SecretBox } from "#base/secrets.ts"

export const linkPurposes = ["password_reset", "email_change", "invitation"] as const
export type LinkPurpose = (typeof linkPurposes)[number]

/** How long a link opens something, minutes. */
export const linkMinutes = { password_reset: 60, email_change: 60, invitation: 7 * 24 * 60 } as const satisfies Record<
  LinkPurpose,
  number
>

/** A link that is open, with the person that it belongs to. */
export interface OpenLink {
  readonly id: string
  readonly purpose: LinkPurpose
  readonly userId: string
  /** Where it was mailed to. */
  readonly email: string
  readonly firstName: string
  readonly lastName: string
}

/** The token of a link. Only a mail and the tests have it. */
export const tokenOfLink = (secrets: SecretBox, linkId: string): string =>
  `sbl_${secrets.fingerprint(linkId, "account link").toString("base64url")}`

/**
 * Issues a link for the account that has this address, unless it is a child's to whom the parent gave no password. Any
 * other address gets a row without an account, under a fingerprint of the address. Returns the link's id.
 */
export async function issueReset(tx: Tx, secrets: SecretBox, email: string): Promise<string> {
  const id = newId()
  const nobody = secrets.fingerprint(email, "address of nobody").toString("hex")
  await insertLink(
    tx,
    { id, purpose: "password_reset", secrets },
    {
      account: tx`
      select u.id, u.email from slotbase.users u
      where u.email = ${email} and u.kind = 'person' and (u.password_hash is not null or u.managed_by is null)`,
      link: tx`select a.id, coalesce(a.email, ${nobody}), null::text from (select) one left join account a on true`,
    },
  )
  return id
}

/**
 * Issues a link that confirms a new address. Undefined: the password was changed after it was checked.
 * @param account its `passwordHash` is the one that the caller's password matched
 */
export async function issueEmailChange(
  tx: Tx,
  secrets: SecretBox,
  { userId, passwordHash }: { readonly userId: string; readonly passwordHash: string },
  email: string,
): Promise<string | undefined> {
  const id = newId()
  const issued = await insertLink(
    tx,
    { id, purpose: "email_change", secrets },
    {
      account: tx`
      select u.id, u.email from slotbase.users u where u.id = ${userId} and u.password_hash = ${passwordHash}`,
      link: tx`select a.id, ${email}::text, a.email from account a`,
    },
  )
  return issued ? id : undefined
}

/** Issues a link with which a person whom a club entered sets the first password. Undefined: they have one already. */
export async function issueInvitation(tx: Tx, secrets: SecretBox, userId: string): Promise<string | undefined> {
  const id = newId()
  const issued = await insertLink(
    tx,
    { id, purpose: "invitation", secrets },
    {
      account: tx`
      select u.id, coalesce(u.email, u.contact_email) as email from slotbase.users u
      where u.id = ${userId} and u.kind = 'person' and coalesce(u.email, u.contact_email) is not null
        and u.password_hash is null`,
      link: tx`select a.id, a.email, null::text from account a`,
    },
  )
  return issued ? id : undefined
}

/** The open link of a token. Undefined: used, void, too old, or never issued. */
export async function findOpenLink(db: Queryable, token: string): Promise<OpenLink | undefined> {
  const [link] = await db<OpenLink[]>`
    select l.id, l.purpose, l.user_id as "userId", l.email, u.first_name as "firstName", u.last_name as "lastName"
    from slotbase.account_links l
    join slotbase.users u on u.id = l.user_id
    where l.token_hash = ${hashToken(token)} and l.ended_at is null and l.expires_at > (select slotbase.now())`
  return link
}

/** Uses a link up. Of many uses at once one is told true. */
export async function useUp(tx: Tx, { id, userId }: OpenLink): Promise<boolean> {
  const { count } = await tx`
    update slotbase.account_links set ended_at = slotbase.now()
    where id = ${id} and user_id = ${userId} and ended_at is null and expires_at > slotbase.now()`
  return count === 1
}

/** Makes every open link of an account void. */
export async function endLinksOf(tx: Tx, userId: string): Promise<void> {
  await tx`update slotbase.account_links set ended_at = slotbase.now() where user_id = ${userId} and ended_at is null`
}

/** Whom a link is mailed to. */
export interface LinkMail {
  readonly userId: string
  readonly email: string
  readonly previousEmail: string | null
  /** The account that has the new address already, such as since before the link was issued. */
  readonly ownerId: string | null
}

/** Undefined: the link is of no account, or a newer one has taken its row. */
export async function findLinkMail(db: Queryable, linkId: string): Promise<LinkMail | undefined> {
  const [mail] = await db<LinkMail[]>`
    select l.user_id as "userId", l.email, l.previous_email as "previousEmail",
           (select u.id from slotbase.users u where u.email = l.email and u.id <> l.user_id) as "ownerId"
    from slotbase.account_links l
    where l.id = ${linkId} and l.user_id is not null`
  return mail
}

interface NewLink {
  readonly id: string
  readonly purpose: LinkPurpose
  readonly secrets: SecretBox
}
/** Fragments: the account to lock, and of it the columns user_id, email and previous_email of the link. */
interface Columns {
  readonly account: ReturnType<Queryable>
  readonly link: ReturnType<Queryable>
}

/** The account is locked before its links are, as everywhere. */
async function insertLink(tx: Tx, { id, purpose, secrets }: NewLink, { account, link }: Columns): Promise<boolean> {
  const { count } = await tx`
    with account as materialized (
      ${account} for no key update
    )
    insert into slotbase.account_links as l (id, purpose, user_id, email, previous_email, token_hash, expires_at)
    select ${id}, ${purpose}, n.user_id, n.email, n.previous_email, ${hashToken(tokenOfLink(secrets, id))},
           slotbase.now() + make_interval(mins => ${linkMinutes[purpose]})
    from (${link}) n (user_id, email, previous_email)
    on conflict (purpose, subject) where ended_at is null do update
    set id = excluded.id, user_id = excluded.user_id, email = excluded.email, previous_email = excluded.previous_email,
        token_hash = excluded.token_hash, created_at = slotbase.now(), expires_at = excluded.expires_at`
  return count === 1
}
