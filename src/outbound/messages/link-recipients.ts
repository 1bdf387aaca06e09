/**
 * The recipients of a link's mails. The link's row says where they go: the account may have another address by then. A
 * row of no account has nobody to tell.
 */
import type { Queryable } from "#base/database/db.ts"
import { findLinkMail } from "#domain/people/accounts/links.ts"

export interface Addressed {
  readonly userId: string
  /** The part of the recipient. Left out: the one of the recipient's type. */
  readonly as?: "address_owner"
  /** Left out: the present address of the user. */
  readonly address?: string
  /** The link that the mail holds. */
  readonly linkId?: string
}

/**
 * The holder of the link, at the address that it is for. When that address is somebody else's meanwhile, its owner is
 * told in place of the holder, and gets no link.
 */
export async function holderOf(db: Queryable, linkId: string | undefined): Promise<readonly Addressed[]> {
  const link = linkId === undefined ? undefined : await findLinkMail(db, linkId)
  if (linkId === undefined || link === undefined) return []
  const { userId, email, ownerId } = link
  return ownerId === null ? [{ userId, address: email, linkId }] : [{ userId: ownerId, as: "address_owner" }]
}

/** The account at the address that it had when the link was issued. */
export async function previousAddressOf(db: Queryable, linkId: string | undefined): Promise<readonly Addressed[]> {
  const link = linkId === undefined ? undefined : await findLinkMail(db, linkId)
  if (link === undefined || link.previousEmail === null) return []
  return [{ userId: link.userId, address: link.previousEmail }]
}
