/**
 * Unsubscribing by the link of a mail (RFC 8058). The token names the reader, the type and the channel, sealed under
 * the secret key. It needs no login and never ends: an old mail must still let its reader go.
 */
import type { SecretBox } from "#base/secrets.ts"
import { type ChannelName, channelNames } from "#outbound/messages/channels/channel.ts"
import { isRequired } from "./switchable.ts"

export interface Unsubscription {
  readonly userId: string
  readonly type: string
  readonly channel: ChannelName
}

interface UnsubscribeTools {
  readonly secrets: SecretBox
  /** The address of SlotBase as people reach it, without a slash at its end. */
  readonly publicUrl: string
}

/** The address for `List-Unsubscribe`. Undefined: nobody may unsubscribe from messages of this type. */
export function unsubscribeUrl(
  { secrets, publicUrl }: UnsubscribeTools,
  { userId, type, channel }: Unsubscription,
): string | undefined {
  if (isRequired(type)) return undefined
  return `${publicUrl}/unsubscribe/${secrets.seal(JSON.stringify([userId, type, channel]), purpose).toString("base64url")}`
}

/** Undefined: the token was not made here, or its messages always come. */
export function unsubscriptionOf(secrets: SecretBox, token: string): Unsubscription | undefined {
  if (token.length > longestToken || !/^[A-Za-z0-9_-]+$/.test(token)) return undefined
  try {
    const [userId, type, channel] = JSON.parse(secrets.open(Buffer.from(token, "base64url"), purpose))
    if (!channelNames.includes(channel) || isRequired(type)) return undefined
    return { userId, type, channel }
  } catch {
    return undefined // not sealed by this program
  }
}

const purpose = "unsubscribe"
const longestToken = 400
