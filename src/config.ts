/** The configuration, parsed once at the start from environment variables. A mistake is one sentence that says what to set. */

import { parseNetworks } from "./egress/addresses.ts"

export interface Config {
  readonly host: string
  readonly port: number
  /** Undefined: the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | undefined
  readonly dataDir: string
  readonly role: "all" | "server" | "actors"
  readonly rootKey: string | undefined
  /** 32 bytes; undefined: generated in `dataDir` (only beside the embedded database). */
  readonly secretKey: Uint8Array | undefined
  readonly environment: "production" | "staging" | "development"
  /** Networks, in CIDR form, that outgoing requests may reach although they are not public. */
  readonly egressAllow: readonly string[]
  readonly demo: boolean
  /** smtp:// or smtps:// address; undefined: the local mailbox. */
  readonly smtpUrl: string | undefined
  readonly mailFrom: string
}

/** A setting that cannot be used; the message is for the person who starts the program. */
export class BadConfig extends Error {
  readonly _tag = "BadConfig"
}

export function parseConfig(env: Record<string, string | undefined>): Config {
  const text = (name: string) => env[name]?.trim() || undefined
  const choice = <T extends string>(name: string, allowed: readonly T[], otherwise: T): T => {
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
  return {
    host: text("HOST") ?? "127.0.0.1",
    port: portOf(text("PORT") ?? "3000"),
    databaseUrl,
    dataDir: text("SLOTBASE_DATA_DIR") ?? ".data",
    role: choice("SLOTBASE_ROLE", ["all", "server", "actors"], "all"),
    rootKey,
    secretKey,
    environment: choice("SLOTBASE_ENV", ["production", "staging", "development"], "development"),
    egressAllow: networks(text("SLOTBASE_EGRESS_ALLOW") ?? ""),
    demo: choice("SLOTBASE_DEMO", ["on", "off"], "on") === "on",
    smtpUrl,
    mailFrom: text("SLOTBASE_MAIL_FROM") ?? "SlotBase <slotbase@localhost>",
  }
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

function networks(text: string): readonly string[] {
  const list = text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean)
  try {
    parseNetworks(list)
  } catch (error) {
    throw new BadConfig(`SLOTBASE_EGRESS_ALLOW: ${(error as Error).message}`)
  }
  return list
}
