/**
 * The places of links in a message. A rendered message is kept in a table that many may read, so it has a place in
 * it. The link itself is put there when the mail leaves.
 */
import type { SecretBox } from "#base/secrets.ts"
import { tokenOfLink } from "#domain/people/accounts/links.ts"
import { tokenOfMessage } from "./booking-links/tokens.ts"
import type { Action } from "./templates/template.ts"

/** Addresses that lead nowhere (RFC 2606, section 2). */
export const linkPlaces: Readonly<Record<Action["to"], string>> = {
  account: "https://link.slotbase.invalid/",
  booking: "https://booking.slotbase.invalid/",
}

/** What a mail with a link needs. */
export interface LinkTools {
  readonly secrets: SecretBox
  /** The address of SlotBase as people reach it, without a slash at its end. */
  readonly publicUrl: string
}

/** The message whose links are made. */
export interface Linked {
  /** The id of the message (notifications.id). */
  readonly id: string
  readonly facilityId: string
  /** The row of account_links; null: the message has no such link. */
  readonly linkId: string | null
  /** Where the mail goes. The link of a booking opens nothing for another address. */
  readonly address: string
}

/** The address of the page on which a link is used. The link opens only with a POST from that page. */
export const linkUrl = ({ secrets, publicUrl }: LinkTools, linkId: string): string =>
  `${publicUrl}/account-links/${tokenOfLink(secrets, linkId)}`

/** A text with its links in their places. */
export function withLinks(tools: LinkTools, { linkId, ...message }: Linked, text: string): string {
  const { secrets, publicUrl } = tools
  const account = linkId === null ? undefined : linkUrl(tools, linkId)
  return text
    .replaceAll(linkPlaces.account, account ?? linkPlaces.account)
    .replaceAll(linkPlaces.booking, () => `${publicUrl}/booking-links/${tokenOfMessage(secrets, message)}`)
}
