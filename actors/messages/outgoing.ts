/**
 * A claimed message as its channel sends it. Some of it may not stand in a table that many read, and is put in here.
 * That is the link that only this mail has, and the address by which its reader unsubscribes.
 */
import type { Outgoing } from "#outbound/messages/channels/channel.ts"
import { type LinkTools, linkUrl, withLink } from "#outbound/messages/link-place.ts"
import { oneLine } from "#outbound/messages/render.ts"
import type { ClaimedMessage } from "./claim.ts"

/** The address for one click; undefined: nobody may unsubscribe from such a message. */
export type UnsubscribeUrl = (
  message: Pick<ClaimedMessage, "id" | "facility_id" | "user_id" | "channel" | "type" | "priority">,
) => string | undefined

export interface OutgoingTools {
  readonly secrets: LinkTools["secrets"]
  readonly config: Pick<LinkTools, "publicUrl">
  readonly unsubscribeUrl?: UnsubscribeUrl
}

export const outgoingOf =
  ({ secrets, config: { publicUrl }, unsubscribeUrl }: OutgoingTools) =>
  (message: ClaimedMessage): Outgoing => {
    const { link_id: linkId, body, html, ics } = message
    const link = linkId === null ? undefined : linkUrl({ secrets, publicUrl }, linkId)
    const filled = (text: string) => (link === undefined ? text : withLink(text, link))
    const url = unsubscribeUrl?.(message)
    return {
      id: message.id,
      facilityId: message.facility_id,
      userId: message.user_id,
      to: { name: oneLine(`${message.first_name ?? ""} ${message.last_name ?? ""}`), address: message.reach ?? "" },
      title: message.title,
      body: filled(body),
      html: html === null ? null : filled(html),
      type: message.type,
      priority: message.priority,
      data: message.data ?? {},
      ...(ics !== null && { ics }),
      links: url === undefined ? {} : { unsubscribeUrl: url },
    }
  }
