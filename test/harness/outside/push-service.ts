/**
 * A push service and browsers of the test. A browser decrypts with `http_ece`, an implementation that SlotBase does not
 * use.
 */
import { createECDH, randomBytes } from "node:crypto"
import ece from "http_ece"

export interface Browser {
  readonly keys: { readonly p256dh: Buffer; readonly auth: Buffer }
  readonly decrypt: (body: Uint8Array) => Buffer
  /** As `PushSubscription.toJSON()` gives it. */
  readonly subscription: (endpoint: string) => object
}

export function aBrowser(): Browser {
  const pair = createECDH("prime256v1")
  const [p256dh, auth] = [pair.generateKeys(), randomBytes(16)]
  const authSecret = auth.toString("base64url")
  return {
    keys: { p256dh, auth },
    decrypt: (body) => ece.decrypt(Buffer.from(body), { version: "aes128gcm", privateKey: pair, authSecret }),
    subscription: (endpoint) => ({
      endpoint,
      expirationTime: null,
      keys: { p256dh: p256dh.toString("base64url"), auth: authSecret },
    }),
  }
}

export interface TakenPush {
  readonly path: string
  readonly headers: Headers
  readonly body: Uint8Array
}

export interface PushService {
  readonly url: string
  readonly taken: readonly TakenPush[]
  readonly stop: () => Promise<void>
}

/** On the loopback interface. It keeps every request, and answers as the test says. */
export function startPushService(
  answer: (taken: TakenPush) => Response | Promise<Response> = () => new Response(null, { status: 201 }),
): PushService {
  const taken: TakenPush[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const one = {
        path: new URL(request.url).pathname,
        headers: request.headers,
        body: new Uint8Array(await request.arrayBuffer()),
      }
      taken.push(one)
      return answer(one)
    },
  })
  return { url: `http://127.0.0.1:${server.port}`, taken, stop: () => server.stop(true) }
}
