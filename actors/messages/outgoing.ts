/**
 * A claimed message as its channel sends it. Some of it may not stand in a table that many read, and is put in here.
 * That is the link that only this mail has, and the address by which its reader unsubscribes.
 */
import type { Config } from "#base/config.ts"
import type { Outgoing } from "#outbound/messages/channels/channel.ts"
import { finishedInvitation } from "#outbound/messages/invitation.ts"
import { type LinkTools, withLinks } from "#outbound/messages/link-place.ts"
import { oneLine } from "#outbound/messages/one-line.ts"
import type { ClaimedMessage } from "./claim.ts"

/** The address for one click; undefined: nobody may unsubscribe from such a message. */
export type UnsubscribeUrl = (
  message: Pick<ClaimedMessage, "id" | "facility_id" | "user_id" | "channel" | "type" | "priority">,
) => string | undefined

export interface OutgoingTools {
  readonly secrets: LinkTools["secrets"]
  readonly config: Pick<LinkTools, "publicUrl"> & Pick<Config, "mailFrom">
  readonly unsubscribeUrl?: UnsubscribeUrl
}

export const outgoingOf =
  ({ secrets, config: { publicUrl, mailFrom }, unsubscribeUrl }: OutgoingTools) =>
  (message: ClaimedMessage): Outgoing => {
    const { link_id: linkId, body, html, ics } = message
    const linked = { id: message.id, facilityId: message.facility_id, linkId, address: message.reach ?? "" }
    const filled = (text: string) => withLinks({ secrets, publicUrl }, linked, text)
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
      ...(ics !== null && { ics: finishedInvitation(ics, { from: addressOf(mailFrom), to: linked.address }) }),
      links: url === undefined ? {} : { unsubscribeUrl: url },
    }
  }

/** The address of a sender such as "Parkside <mail@club.example>". */
const addressOf = (from: string) => /<([^<>]+)>\s*$/.exec(from)?.[1] ?? from
