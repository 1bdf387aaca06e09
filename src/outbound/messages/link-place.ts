/**
 * The place of a link in a message. A rendered message is kept in a table that many may read, so it has this place in
 * it. The link itself is put there when the mail leaves.
 */
import type { SecretBox } from "#base/secrets.ts"
import { tokenOfLink } from "#domain/people/accounts/links.ts"

/** An address that leads nowhere (RFC 2606, section 2). */
export const linkPlace = "https://link.slotbase.invalid/"

/** What a mail with a link needs. */
export interface LinkTools {
  readonly secrets: SecretBox
  /** The address of SlotBase as people reach it, without a slash at its end. */
  readonly publicUrl: string
}

/** The address of the page on which a link is used. The link opens only with a POST from that page. */
export const linkUrl = ({ secrets, publicUrl }: LinkTools, linkId: string): string =>
  `${publicUrl}/account-links/${tokenOfLink(secrets, linkId)}`

/** The text with the link in its place. */
export const withLink = (text: string, url: string): string => text.replaceAll(linkPlace, url)
