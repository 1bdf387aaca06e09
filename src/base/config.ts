/**
 * The configuration, parsed once at the start from environment variables. A mistake stops the start with one sentence
 * that says what to set.
 */

import { BadConfig } from "./bad-config.ts"
import { type CalendarServiceConfig, googleOf, outlookOf } from "./calendar-services.ts"
import { parseConnectionString } from "./database/connection-string.ts"
import { parseNetworks } from "./egress/addresses.ts"
import { type LogLevel, logLevels } from "./log.ts"
import { type PushConfig, pushOf, type SmsConfig, smsOf } from "./message-services.ts"
import { type TokenPrices, tokenPricesIn } from "./token-prices.ts"

export { BadConfig } from "./bad-config.ts"

/** Every variable that the program reads; the texts that describe them are in docs/operating.md. */
export const variables = [
  "HOST",
  "PORT",
  "DATABASE_URL",
  "SLOTBASE_LISTEN_URL",
  "SLOTBASE_DB_POOL",
  "SLOTBASE_DATA_DIR",
  "SLOTBASE_ROLE",
  "SLOTBASE_ROOT_KEY",
  "SLOTBASE_SECRET_KEY",
  "SLOTBASE_ENV",
  "SLOTBASE_PUBLIC_URL",
  "SLOTBASE_SIGN_IN_URL",
  "SLOTBASE_EGRESS_ALLOW",
  "SLOTBASE_TRUSTED_PROXIES",
  "SLOTBASE_LIVE_ORIGINS",
  "SLOTBASE_REQUESTS_PER_SECOND",
  "SLOTBASE_DEMO",
  "SLOTBASE_MAIL_FROM",
  "SLOTBASE_MAX_UPLOAD_MB",
  "SLOTBASE_FFMPEG",
  "SLOTBASE_LOG_LEVEL",
  "SLOTBASE_SMS_ACCOUNT_SID",
  "SLOTBASE_SMS_AUTH_TOKEN",
  "SLOTBASE_SMS_FROM",
  "SLOTBASE_SMS_API_BASE",
  "SLOTBASE_PUSH_SUBJECT",
  "SLOTBASE_PUSH_PRIVATE_KEY",
  "SLOTBASE_EXTENSIONS",
  "SLOTBASE_AI_URL",
  "SLOTBASE_AI_KEY",
  "SLOTBASE_AI_MODEL",
  "SLOTBASE_AI_SPEECH_MODEL",
  "SLOTBASE_AI_PRICE",
  "SLOTBASE_AI_SPEECH_PRICE",
  "SMTP_URL",
  "STRIPE_SECRET_KEY",
  "STRIPE_WEBHOOK_SECRET",
  "STRIPE_PUBLISHABLE_KEY",
  "STRIPE_API_BASE",
  "SLOTBASE_GOOGLE_CLIENT_ID",
  "SLOTBASE_GOOGLE_CLIENT_SECRET",
  "SLOTBASE_GOOGLE_CONSENT_URL",
  "SLOTBASE_GOOGLE_TOKEN_URL",
  "SLOTBASE_GOOGLE_API_BASE",
  "SLOTBASE_MICROSOFT_CLIENT_ID",
  "SLOTBASE_MICROSOFT_CLIENT_SECRET",
  "SLOTBASE_MICROSOFT_CONSENT_URL",
  "SLOTBASE_MICROSOFT_TOKEN_URL",
  "SLOTBASE_MICROSOFT_API_BASE",
  "S3_BUCKET",
  "S3_ENDPOINT",
  "S3_REGION",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
] as const
type Variable = (typeof variables)[number]

export interface Config {
  readonly host: string
  readonly port: number
  /** Undefined: the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | undefined
  /** PostgreSQL itself, when a pooler stands at `databaseUrl`: notifications do not pass it. */
  readonly listenUrl: string | undefined
  /** Connections for requests, at most. */
  readonly dbPool: number
  readonly dataDir: string
  readonly role: "all" | "server" | "actors"
  readonly rootKey: string | undefined
  /** 32 bytes; undefined: generated in `dataDir` (only beside the embedded database). */
  readonly secretKey: Uint8Array | undefined
  readonly environment: "production" | "staging" | "development"
  /** The address at which people reach SlotBase, for links in mails; without a slash at its end. */
  readonly publicUrl: string
  /** Where people sign in to book and to pay: an application of yours. Undefined: no page leads there. */
  readonly signInUrl: string | undefined
  /** Networks, in CIDR form, that outgoing requests may reach although they are not public. */
  readonly egressAllow: readonly string[]
  /** Networks, in CIDR form, of the proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /** The origins whose pages may open a WebSocket, the program's own included; empty: those of every site. */
  readonly liveOrigins: readonly string[]
  /** Requests of one caller; the shares of strangers follow in proportion. */
  readonly requestsPerSecond: number
  readonly demo: boolean
  /** smtp:// or smtps:// address; undefined: the local mailbox. */
  readonly smtpUrl: string | undefined
  readonly mailFrom: string
  /** The provider of text messages; undefined: the local phone. */
  readonly sms: SmsConfig | undefined
  readonly push: PushConfig
  /** Undefined: the built-in payment provider, which moves no real money. */
  readonly stripe: StripeConfig | undefined
  /** Undefined: no calendars at Google. */
  readonly google: CalendarServiceConfig | undefined
  /** Undefined: no calendars of Outlook. */
  readonly outlook: CalendarServiceConfig | undefined
  /** The largest file that may be uploaded, bytes; kinds of files have smaller limits of their own. */
  readonly maxUploadBytes: number
  /** The path of ffmpeg; undefined: it is looked for on the PATH. */
  readonly ffmpeg: string | undefined
  /** An S3-compatible bucket for uploads; undefined: the data directory. */
  readonly s3: S3Config | undefined
  /** Log lines below this level are not written. */
  readonly logLevel: LogLevel
  /** A service for text and speech; undefined: agents work by rules alone. */
  readonly ai: AiConfig | undefined
  /** The path of a company's own file with handlers and hooks. */
  readonly extensions: string | undefined
}

export interface AiConfig {
  /** The base of an OpenAI-compatible API, such as https://api.example.com/v1, without a slash at its end. */
  readonly url: string
  readonly key: string | undefined
  /** Undefined: texts are improved by rules. */
  readonly model: string | undefined
  /** Undefined: voice notes stay untranscribed. */
  readonly speechModel: string | undefined
  /** Minor units for a million tokens, by currency. Left out: nothing is known of what they cost. */
  readonly prices?: TokenPrices
  readonly speechPrices?: TokenPrices
}

export interface StripeConfig {
  readonly secretKey: string
  /** The secret with which Stripe signs its webhook requests. */
  readonly webhookSecret: string
  /** With it the booking page shows Stripe's card field. Left out: no cards are taken on the page. */
  readonly publishableKey?: string
  /** The address of Stripe's API. An address that is not Stripe's own must be in egressAllow. */
  readonly apiBase: string
}

export interface S3Config {
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Left out: AWS. */
  readonly endpoint?: string
  readonly region?: string
}

export function parseConfig(env: Record<string, string | undefined>): Config {
  const text = (name: Variable) => env[name]?.trim() || undefined
  const choice = <T extends string>(name: Variable, allowed: readonly T[], otherwise: T): T => {
    const value = text(name) ?? otherwise
    if (!allowed.includes(value as T))
      throw new BadConfig(`${name} is "${value}"; set it to one of: ${allowed.join(", ")}.`)
    return value as T
  }
  const databaseUrl = text("DATABASE_URL")
  if (databaseUrl && !/^postgres(ql)?:\/\//.test(databaseUrl))
    throw new BadConfig(
      "DATABASE_URL must start with postgres:// or postgresql://, such as postgres://user@host:5432/slotbase.",
    )
  if (databaseUrl) parseConnectionString(databaseUrl)
  const listenUrl = text("SLOTBASE_LISTEN_URL")
  if (listenUrl && !databaseUrl)
    throw new BadConfig("SLOTBASE_LISTEN_URL is set without DATABASE_URL: the embedded database needs none.")
  if (listenUrl) parseConnectionString(listenUrl, "SLOTBASE_LISTEN_URL")
  const secretKey = secret(text("SLOTBASE_SECRET_KEY"))
  if (databaseUrl && !secretKey)
    throw new BadConfig(
      "With DATABASE_URL, SLOTBASE_SECRET_KEY is required, so that two hosts never make two keys. Make one with: openssl rand -base64 32",
    )
  const rootKey = text("SLOTBASE_ROOT_KEY")
  if (rootKey && rootKey.length < 16) throw new BadConfig("SLOTBASE_ROOT_KEY must have at least 16 characters.")
  const smtpUrl = text("SMTP_URL")
  if (smtpUrl && !/^smtps?:\/\//.test(smtpUrl))
    throw new BadConfig(
      "SMTP_URL must start with smtp:// or smtps://, such as smtp://user:password@mail.example.com:587.",
    )
  const host = text("HOST") ?? "127.0.0.1"
  const port = portOf(text("PORT") ?? "3000")
  const environment = choice("SLOTBASE_ENV", ["production", "staging", "development"], "development")
  const publicUrl = publicUrlOf(
    text("SLOTBASE_PUBLIC_URL") ?? `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
  )
  const signInUrl = signInUrlOf(text("SLOTBASE_SIGN_IN_URL"))
  const mailFrom = text("SLOTBASE_MAIL_FROM") ?? "SlotBase <slotbase@localhost>"
  return {
    host,
    port,
    databaseUrl,
    listenUrl,
    dbPool: poolOf(text("SLOTBASE_DB_POOL") ?? "20"),
    dataDir: text("SLOTBASE_DATA_DIR") ?? ".data",
    role: choice("SLOTBASE_ROLE", ["all", "server", "actors"], "all"),
    rootKey,
    secretKey,
    environment,
    publicUrl,
    signInUrl,
    egressAllow: networks("SLOTBASE_EGRESS_ALLOW", text("SLOTBASE_EGRESS_ALLOW") ?? ""),
    trustedProxies: networks("SLOTBASE_TRUSTED_PROXIES", text("SLOTBASE_TRUSTED_PROXIES") ?? ""),
    liveOrigins: liveOriginsOf(text("SLOTBASE_LIVE_ORIGINS") ?? "", publicUrl),
    requestsPerSecond: requestsOf(text("SLOTBASE_REQUESTS_PER_SECOND") ?? "100"),
    demo: choice("SLOTBASE_DEMO", ["on", "off"], "on") === "on",
    smtpUrl,
    mailFrom,
    sms: smsOf(text),
    push: pushOf(text, { environment, publicUrl, mailFrom }),
    stripe: stripeOf(
      text("STRIPE_SECRET_KEY"),
      text("STRIPE_WEBHOOK_SECRET"),
      text("STRIPE_PUBLISHABLE_KEY"),
      text("STRIPE_API_BASE"),
    ),
    google: googleOf(text),
    outlook: outlookOf(text),
    maxUploadBytes: megabytes("SLOTBASE_MAX_UPLOAD_MB", text("SLOTBASE_MAX_UPLOAD_MB") ?? "500"),
    ffmpeg: text("SLOTBASE_FFMPEG"),
    s3: bucketOf(text),
    logLevel: choice("SLOTBASE_LOG_LEVEL", logLevels, "info"),
    ai: aiOf(text),
    extensions: text("SLOTBASE_EXTENSIONS"),
  }
}

/** Never the `Host` of a request: whoever asks for a mail would choose where its link leads. */
function publicUrlOf(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash)
    throw new BadConfig(`SLOTBASE_PUBLIC_URL is "${text}"; set it to an address such as https://book.example.com.`)
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "")
}

function signInUrlOf(text: string | undefined): string | undefined {
  const url = text === undefined ? undefined : URL.parse(text)
  if (url === null || (url && (!/^https?:$/.test(url.protocol) || url.username)))
    throw new BadConfig(`SLOTBASE_SIGN_IN_URL is "${text}"; set it to an address such as https://club.example/sign-in.`)
  return url?.href
}

function requestsOf(value: string): number {
  const count = Number(value)
  if (!/^\d+$/.test(value) || count < 1 || count > 1_000_000)
    throw new BadConfig(`SLOTBASE_REQUESTS_PER_SECOND is "${value}"; set it to a whole number from 1 to 1000000.`)
  return count
}

function poolOf(value: string): number {
  const count = Number(value)
  if (!/^\d+$/.test(value) || count < 1 || count > 500)
    throw new BadConfig(`SLOTBASE_DB_POOL is "${value}"; set it to a whole number of connections from 1 to 500.`)
  return count
}

function megabytes(name: Variable, value: string): number {
  const count = Number(value)
  if (!/^\d+$/.test(value) || count < 1 || count > 5_120)
    throw new BadConfig(`${name} is "${value}"; set it to a whole number of megabytes from 1 to 5120.`)
  return count * 1024 * 1024
}

function bucketOf(text: (name: Variable) => string | undefined): S3Config | undefined {
  const [bucket, endpoint, region] = [text("S3_BUCKET"), text("S3_ENDPOINT"), text("S3_REGION")]
  if (!bucket) {
    if (endpoint) throw new BadConfig("S3_ENDPOINT is set without S3_BUCKET: name the bucket for uploads.")
    return undefined
  }
  const [accessKeyId, secretAccessKey] = [text("S3_ACCESS_KEY_ID"), text("S3_SECRET_ACCESS_KEY")]
  if (!accessKeyId || !secretAccessKey)
    throw new BadConfig("With S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are required.")
  if (endpoint && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ""))
    throw new BadConfig(
      `S3_ENDPOINT is "${endpoint}"; set it to an address such as https://s3.eu-central-1.amazonaws.com.`,
    )
  return { bucket, accessKeyId, secretAccessKey, ...(endpoint && { endpoint }), ...(region && { region }) }
}

function aiOf(text: (name: Variable) => string | undefined): AiConfig | undefined {
  const [address, key] = [text("SLOTBASE_AI_URL"), text("SLOTBASE_AI_KEY")]
  const [model, speechModel] = [text("SLOTBASE_AI_MODEL"), text("SLOTBASE_AI_SPEECH_MODEL")]
  if (!address) {
    if (key || model || speechModel || text("SLOTBASE_AI_PRICE") || text("SLOTBASE_AI_SPEECH_PRICE"))
      throw new BadConfig("SLOTBASE_AI_URL is missing: set it beside the other SLOTBASE_AI_…")
    return undefined
  }
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash)
    throw new BadConfig(`SLOTBASE_AI_URL is "${address}"; set it to an address such as https://api.example.com/v1.`)
  if (!model && !speechModel)
    throw new BadConfig(
      "With SLOTBASE_AI_URL, SLOTBASE_AI_MODEL or SLOTBASE_AI_SPEECH_MODEL is required: name a model.",
    )
  return {
    ...{ url: `${url.origin}${url.pathname}`.replace(/\/+$/, ""), key, model, speechModel },
    prices: tokenPricesIn("SLOTBASE_AI_PRICE", text("SLOTBASE_AI_PRICE")),
    speechPrices: tokenPricesIn("SLOTBASE_AI_SPEECH_PRICE", text("SLOTBASE_AI_SPEECH_PRICE")),
  }
}

function stripeOf(
  secretKey: string | undefined,
  webhookSecret: string | undefined,
  publishableKey: string | undefined,
  apiBase: string | undefined,
): StripeConfig | undefined {
  if (!secretKey && !webhookSecret) return undefined
  if (!secretKey || !webhookSecret)
    throw new BadConfig(
      "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET go together: without the second, Stripe's webhook requests could not be verified.",
    )
  if (publishableKey !== undefined && !/^pk_[A-Za-z0-9_]{1,250}$/.test(publishableKey))
    throw new BadConfig("STRIPE_PUBLISHABLE_KEY must be Stripe's key for browsers, which begins with pk_.")
  const base = URL.parse(apiBase ?? "https://api.stripe.com")
  if (!base || !/^https?:$/.test(base.protocol) || base.pathname !== "/")
    throw new BadConfig(`STRIPE_API_BASE is "${apiBase}"; set it to an address such as http://127.0.0.1:12111.`)
  return { secretKey, webhookSecret, ...(publishableKey && { publishableKey }), apiBase: base.origin }
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535)
    throw new BadConfig(`PORT is "${text}"; set it to a number from 0 to 65535 (0: any free port).`)
  return port
}

function secret(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined
  const key = Buffer.from(text, "base64")
  if (key.length !== 32)
    throw new BadConfig(
      `SLOTBASE_SECRET_KEY must be 32 bytes in base64, and has ${key.length}. Make one with: openssl rand -base64 32`,
    )
  return key
}

function liveOriginsOf(text: string, publicUrl: string): readonly string[] {
  const list = listed(text)
  for (const each of list) {
    const url = URL.parse(each)
    if (!url || !/^https?:$/.test(url.protocol) || url.origin !== each.toLowerCase())
      throw new BadConfig(`SLOTBASE_LIVE_ORIGINS: "${each}" is no origin; write it like https://club.example.`)
  }
  return list.length === 0 ? [] : [new URL(publicUrl).origin, ...list.map((each) => each.toLowerCase())]
}

const listed = (text: string): readonly string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean)

function networks(name: Variable, text: string): readonly string[] {
  const list = listed(text)
  try {
    parseNetworks(list)
  } catch (error) {
    throw new BadConfig(`${name}: ${(error as Error).message}`)
  }
  return list
}
