/**
 * Push messages to browsers (RFC 8030): encrypted for one browser, signed for its push service, sent through the guard.
 * A subscription that has ended is removed. No answer holds the whole channel. The address of a subscription is a
 * caller's text, and whoever answers there must not stop the messages of others.
 */
import { clock } from "#base/clock.ts"
import { EgressRefused, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch, type OutgoingAnswer } from "#base/egress/fetch.ts"
import { pauseAsked } from "#base/egress/retry-after.ts"
import { isId } from "#base/ids.ts"
import {
  beforeItLeaves,
  type Channel,
  type Outgoing,
  RecipientRefused,
  SendFailed,
} from "#outbound/messages/channels/channel.ts"
import { encryptPush } from "./encrypt.ts"
import { configuredPushKey, loadPushKey, type PushTools } from "./keys.ts"
import { Patience } from "./patience.ts"
import { payloadOf, topicOf, ttlOf, urgencyOf } from "./payload.ts"
import { findTarget, forgetSubscription } from "./subscriptions.ts"
import { type Vapid, vapidOf } from "./vapid.ts"

/** Beyond the places of one service, so that a slow one leaves some to others. */
const sendsAtOnce = 24
const timeoutMs = 10_000

/** Throws BadConfig for a configured key that is none. */
export function createPushChannel(tools: PushTools): Channel {
  const { config, db, secrets } = tools
  const { subject } = config.push
  const unavailable = subject === undefined ? noSubject : undefined
  configuredPushKey(config)
  const patience = new Patience()
  let vapid: Promise<Vapid> | undefined
  const loadVapid = () => {
    vapid ??= loadPushKey(tools).then((key) => vapidOf(key, subject ?? ""))
    // A database that is away now is asked again by the next message.
    vapid.catch(() => {
      vapid = undefined
    })
    return vapid
  }

  async function requestOf(message: Outgoing) {
    const browser = { id: message.to.address, userId: message.userId }
    const target = isId(browser.id) ? await findTarget(db, secrets, browser) : undefined
    if (!target) throw new RecipientRefused("the browser is not subscribed any more")
    const { endpoint } = target
    const server = await loadVapid()
    if (target.serverKey !== server.publicKey) {
      await forgetSubscription(db, browser)
      throw new RecipientRefused("the browser subscribed under an earlier key of this server")
    }
    const headers = {
      authorization: server.authorization(endpoint),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: String(ttlOf(message, clock.now())),
      urgency: urgencyOf(message),
      topic: topicOf(message),
    }
    return { browser, endpoint, headers, body: encryptPush(payloadOf(message), target.keys) }
  }

  return {
    name: "push",
    unavailable,
    sendsAtOnce,

    async send(message, signal) {
      const { browser, endpoint, headers, body } = await beforeItLeaves(() => requestOf(message))
      const limits = { timeoutMs, bodyMs: 1_000, maxResponseBytes: 1_000, allow: config.egressAllow, signal }
      const request = () => guardedFetch(endpoint, { method: "POST", headers, body, ...limits })
      const answer = await patience.ask(new URL(endpoint).host, request, isTimeout).catch((error: unknown) => {
        throw notAnswered(error)
      })
      if (hasEnded.has(answer.status)) await forgetSubscription(db, browser)
      const failure = failureOf(answer)
      if (failure) throw failure
    },

    close: async () => {},
  }
}

export const noSubject = "push services are told no address of the operator (SLOTBASE_PUSH_SUBJECT)"

const isTimeout = (error: unknown) => error instanceof RequestFailed && error.code === "timed_out"

/** What an answer says; undefined: the push service has taken the message. */
export function failureOf({
  status,
  headers,
  body,
}: Pick<OutgoingAnswer, "status" | "headers" | "body">): RecipientRefused | SendFailed | undefined {
  if (status >= 200 && status < 300) return undefined
  const said = `${status}${body.trim() === "" ? "" : `: ${body.trim().slice(0, 200)}`}`
  if (hasEnded.has(status)) return new RecipientRefused(`the subscription has ended (${said})`)
  const retryAfterMs = pauseAsked(headers["retry-after"], clock.now())
  const later = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (status === 429 || status === 503) return new SendFailed(said, { outcome: "not_sent", ...later })
  if (status >= 500) return new SendFailed(said, { outcome: "unknown", ...later })
  // 400, 401, 403, 413: it will say the same tomorrow. Redirects are not followed: the endpoint is the address.
  return new SendFailed(said, { outcome: "not_sent", permanent: true })
}

/** RFC 8030, section 7.3, and what services answer in its place. */
const hasEnded: ReadonlySet<number> = new Set([404, 410])

function notAnswered(error: unknown): unknown {
  if (error instanceof EgressRefused) return new SendFailed(error.message, { outcome: "not_sent", permanent: true })
  if (!(error instanceof RequestFailed)) return error
  return new SendFailed(error.message, { outcome: nothingSent.has(error.code) ? "not_sent" : "unknown" })
}

const nothingSent: ReadonlySet<string> = new Set([
  "name_not_found",
  "connection_failed",
  "certificate_refused",
  "tls_failed",
  "not_received",
])
