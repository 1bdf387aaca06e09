/**
 * GET /v1/live: the WebSocket. The token comes as `Sec-WebSocket-Protocol: slotbase.v1, bearer.<token>`, or in a first
 * frame. The answer is always `slotbase.v1`. Bun's default would send back the first protocol offered, token included.
 */
import { Elysia } from "elysia"
import type { Config } from "#base/config.ts"
import { addressOfClient, shareOfClient } from "#http/client.ts"
import { problems, Ready } from "#http/problems.ts"
import { offeredToken, tokenLookedUp } from "#http/request-rates.ts"
import type { Connection } from "./connection.ts"
import type { Socket } from "./hub.ts"
import type { Live } from "./live.ts"

type LiveConfig = Pick<Config, "trustedProxies" | "liveOrigins">

/** @param config without it, no proxy is trusted, and pages of every site may connect */
export const liveRoutes = (live: Live, config: LiveConfig = { trustedProxies: [], liveOrigins: [] }) =>
  new Elysia({ detail: { hide: true } })
    .use(problems())
    .onStart(({ server }) => {
      if (server) live.attach(server)
    })
    .ws("/v1/live", {
      upgrade: ({ request, server, set }) => {
        // Elysia's own refusal is no problem document.
        if (!isHandshake(request)) throw new Ready(refusedUpgrade)
        if (!isWelcome(config, request.headers.get("origin"))) throw new Ready(refusedOrigin)
        // The address is found here, because the open socket no longer knows its request's connection.
        addressOfClient(config, { request, server })
        if (request.headers.has(protocolHeader)) set.headers[protocolHeader] = protocol
      },
      open: ({ raw, data }) => {
        const { request } = data
        const share = shareOfClient(addressOfClient(config, { request, server: null }))
        const lookedUp = (userId: string | undefined) => tokenLookedUp(request, userId)
        const connection = live.connect(raw as unknown as Socket, { share, token: offeredToken(request), lookedUp })
        // Elysia's own data has the whole request and a closure for each event: 4 KB that would stay with the socket.
        Object.assign(raw, { data: new OpenSocket(connection) })
      },
    })
    .get("/v1/live", () => {
      throw new Ready(refusedUpgrade)
    })

/** What stays of a socket. Elysia calls these of the data that it finds. */
class OpenSocket {
  constructor(private readonly connection: Connection) {}

  message(_: unknown, message: unknown): void {
    this.connection.receive(message)
  }

  drain(): void {
    this.connection.drained()
  }

  close(): void {
    this.connection.closed()
  }
}

const protocolHeader = "sec-websocket-protocol"
const protocol = "slotbase.v1"

/** RFC 6455, 4.2.1: the version is 13, and the key is 16 bytes in base64. */
const isHandshake = ({ headers }: Request): boolean =>
  headers.get("sec-websocket-version") === "13" && /^[A-Za-z0-9+/]{22}==$/.test(headers.get("sec-websocket-key") ?? "")

/** A browser names the origin of its page. Programs name none, and have no page that could lead somebody on. */
const isWelcome = ({ liveOrigins }: LiveConfig, origin: string | null): boolean =>
  liveOrigins.length === 0 || origin === null || liveOrigins.includes(origin)

const refusedOrigin = {
  status: 403,
  headers: {},
  body: {
    type: "urn:slotbase:problem:origin_not_allowed",
    title: "Not allowed",
    status: 403,
    detail: "Pages of this origin may not connect. SLOTBASE_LIVE_ORIGINS names those that may.",
    code: "origin_not_allowed",
  },
}

const refusedUpgrade = {
  status: 426,
  headers: { upgrade: "websocket", connection: "upgrade", "sec-websocket-version": "13" },
  body: {
    type: "urn:slotbase:problem:upgrade_required",
    title: "Upgrade required",
    status: 426,
    detail: "This address speaks WebSocket.",
    code: "upgrade_required",
  },
}
