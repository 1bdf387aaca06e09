// The configuration: defaults that work, and for each mistake one sentence that says which value to set.

import { describe, expect, test } from "bun:test"
import { BadConfig, parseConfig } from "#base/config.ts"

const key = Buffer.alloc(32, 7).toString("base64")

test("without a setting everything is local and embedded", () => {
  expect(parseConfig({})).toMatchObject({
    host: "127.0.0.1",
    port: 3000,
    databaseUrl: undefined,
    dataDir: ".data",
    role: "all",
    rootKey: undefined,
    secretKey: undefined,
    environment: "development",
    publicUrl: "http://127.0.0.1:3000",
    egressAllow: [],
    trustedProxies: [],
    requestsPerSecond: 100,
    demo: true,
    smtpUrl: undefined,
    maxUploadBytes: 500 * 1024 * 1024,
    logLevel: "info",
    s3: undefined,
  })
})

test("every setting is taken, without the blanks around it", () => {
  const config = parseConfig({
    HOST: "0.0.0.0",
    PORT: " 8080 ",
    DATABASE_URL: "postgresql://user@host:5432/slotbase",
    SLOTBASE_DATA_DIR: "/var/lib/slotbase",
    SLOTBASE_ROLE: "actors",
    SLOTBASE_ROOT_KEY: "0123456789abcdef",
    SLOTBASE_SECRET_KEY: key,
    SLOTBASE_ENV: "production",
    SLOTBASE_PUBLIC_URL: "https://book.example.com/club/",
    SLOTBASE_SIGN_IN_URL: "https://club.example/sign-in?next=bookings",
    SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8, ::1/128,",
    SLOTBASE_TRUSTED_PROXIES: " 10.0.0.0/8,fd00::1",
    SLOTBASE_LIVE_ORIGINS: "https://club.example, http://localhost:3000",
    SLOTBASE_REQUESTS_PER_SECOND: "2000",
    SLOTBASE_DEMO: "off",
    SMTP_URL: "smtps://mail.example.com",
    SLOTBASE_MAX_UPLOAD_MB: "50",
    SLOTBASE_LOG_LEVEL: "warn",
    SLOTBASE_EXTENSIONS: "./my-club.ts",
    S3_BUCKET: "uploads",
    S3_ENDPOINT: "https://s3.example.com",
    S3_REGION: "eu-central-1",
    S3_ACCESS_KEY_ID: "id",
    S3_SECRET_ACCESS_KEY: "secret",
  })
  expect(config).toMatchObject({
    host: "0.0.0.0",
    port: 8080,
    databaseUrl: "postgresql://user@host:5432/slotbase",
    dataDir: "/var/lib/slotbase",
    role: "actors",
    rootKey: "0123456789abcdef",
    environment: "production",
    publicUrl: "https://book.example.com/club",
    signInUrl: "https://club.example/sign-in?next=bookings",
    egressAllow: ["127.0.0.0/8", "::1/128"],
    trustedProxies: ["10.0.0.0/8", "fd00::1"],
    liveOrigins: ["https://book.example.com", "https://club.example", "http://localhost:3000"],
    requestsPerSecond: 2_000,
    demo: false,
    smtpUrl: "smtps://mail.example.com",
    maxUploadBytes: 50 * 1024 * 1024,
    logLevel: "warn",
    extensions: "./my-club.ts",
    s3: {
      bucket: "uploads",
      accessKeyId: "id",
      secretAccessKey: "secret",
      endpoint: "https://s3.example.com",
      region: "eu-central-1",
    },
  })
  expect(Buffer.from(config.secretKey ?? []).toString("base64")).toBe(key)
})

test("a blank setting counts as unset", () => {
  expect(parseConfig({ PORT: " ", SLOTBASE_ROLE: "", DATABASE_URL: "  " })).toEqual(parseConfig({}))
})

test("Stripe is configured by its two secrets, and reached at its own address unless another one is set", () => {
  const secrets = { STRIPE_SECRET_KEY: "sk_test_1", STRIPE_WEBHOOK_SECRET: "whsec_1" }
  const stripe = { secretKey: "sk_test_1", webhookSecret: "whsec_1", apiBase: "https://api.stripe.com" }
  expect(parseConfig(secrets).stripe).toEqual(stripe)
  const local = parseConfig({ ...secrets, STRIPE_API_BASE: "http://127.0.0.1:12111/" }).stripe
  expect(local).toEqual({ ...stripe, apiBase: "http://127.0.0.1:12111" })
})

test("port 0 is any free port", () => {
  expect(parseConfig({ PORT: "0" }).port).toBe(0)
})

describe("a mistake stops the program and says which value to set", () => {
  const mistakes: [string, Record<string, string>, string][] = [
    [
      "a port that is no number",
      { PORT: "http" },
      'PORT is "http"; set it to a number from 0 to 65535 (0: any free port).',
    ],
    ["a port too high", { PORT: "65536" }, 'PORT is "65536"; set it to a number from 0 to 65535 (0: any free port).'],
    ["a port with a sign", { PORT: "-1" }, 'PORT is "-1"; set it to a number from 0 to 65535 (0: any free port).'],
    ["an unknown role", { SLOTBASE_ROLE: "web" }, 'SLOTBASE_ROLE is "web"; set it to one of: all, server, actors.'],
    [
      "an unknown environment",
      { SLOTBASE_ENV: "prod" },
      'SLOTBASE_ENV is "prod"; set it to one of: production, staging, development.',
    ],
    [
      "another kind of database",
      { DATABASE_URL: "mysql://host/slotbase" },
      "DATABASE_URL must start with postgres:// or postgresql://, such as postgres://user@host:5432/slotbase.",
    ],
    [
      "a database of one's own without a key",
      { DATABASE_URL: "postgres://host/slotbase" },
      "With DATABASE_URL, SLOTBASE_SECRET_KEY is required, so that two hosts never make two keys. Make one with: openssl rand -base64 32",
    ],
    [
      "a key that is too short",
      { SLOTBASE_SECRET_KEY: "c2hvcnQ=" },
      "SLOTBASE_SECRET_KEY must be 32 bytes in base64, and has 5. Make one with: openssl rand -base64 32",
    ],
    [
      "a root key that can be guessed",
      { SLOTBASE_ROOT_KEY: "root" },
      "SLOTBASE_ROOT_KEY must have at least 16 characters.",
    ],
    [
      "a network that is none",
      { SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8, intranet" },
      `SLOTBASE_EGRESS_ALLOW: "intranet" is not a network; write it like 127.0.0.0/8 or fd00::/8.`,
    ],
    [
      "Stripe without the secret of its webhook",
      { STRIPE_SECRET_KEY: "sk_test_1" },
      "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET go together: without the second, Stripe's webhook requests could not be verified.",
    ],
    [
      "a model without its address",
      { SLOTBASE_AI_MODEL: "writer-1" },
      "SLOTBASE_AI_URL is missing: set it beside the other SLOTBASE_AI_…",
    ],
    [
      "a service for agents without a model",
      { SLOTBASE_AI_URL: "https://ai.example/v1" },
      "With SLOTBASE_AI_URL, SLOTBASE_AI_MODEL or SLOTBASE_AI_SPEECH_MODEL is required: name a model.",
    ],
    [
      "a service for agents that is no address",
      { SLOTBASE_AI_URL: "ai.example", SLOTBASE_AI_MODEL: "writer-1" },
      'SLOTBASE_AI_URL is "ai.example"; set it to an address such as https://api.example.com/v1.',
    ],
    [
      "a price of a service without the service",
      { SLOTBASE_AI_PRICE: "EUR 1" },
      "SLOTBASE_AI_URL is missing: set it beside the other SLOTBASE_AI_…",
    ],
    ...["EUR", "0.60", "EUR -1", "EUR 1, EUR 2", "DEM 1", "EUR 1,", "EUR 0.0000001"].map(
      (price): [string, Record<string, string>, string] => [
        `the price ${price}`,
        { SLOTBASE_AI_URL: "https://ai.example/v1", SLOTBASE_AI_MODEL: "writer-1", SLOTBASE_AI_PRICE: price },
        `SLOTBASE_AI_PRICE is "${price}"; set it to the price of a million tokens, once in each currency, such as EUR 0.60, USD 0.65.`,
      ],
    ),
    [
      "a Stripe that is no address",
      { STRIPE_SECRET_KEY: "sk_test_1", STRIPE_WEBHOOK_SECRET: "whsec_1", STRIPE_API_BASE: "stripe" },
      'STRIPE_API_BASE is "stripe"; set it to an address such as http://127.0.0.1:12111.',
    ],
    [
      "mail by another protocol",
      { SMTP_URL: "mail.example.com" },
      "SMTP_URL must start with smtp:// or smtps://, such as smtp://user:password@mail.example.com:587.",
    ],
    [
      "a proxy without its network",
      { SLOTBASE_TRUSTED_PROXIES: "10.0.0.0/8, proxy.example.com" },
      `SLOTBASE_TRUSTED_PROXIES: "proxy.example.com" is not a network; write it like 127.0.0.0/8 or fd00::/8.`,
    ],
    [
      "a site with a path",
      { SLOTBASE_LIVE_ORIGINS: "https://club.example, https://other.example/book" },
      'SLOTBASE_LIVE_ORIGINS: "https://other.example/book" is no origin; write it like https://club.example.',
    ],
    [
      "a page to sign in that is no address",
      { SLOTBASE_SIGN_IN_URL: "club.example" },
      'SLOTBASE_SIGN_IN_URL is "club.example"; set it to an address such as https://club.example/sign-in.',
    ],
    [
      "an address for links that is none",
      { SLOTBASE_PUBLIC_URL: "book.example.com" },
      'SLOTBASE_PUBLIC_URL is "book.example.com"; set it to an address such as https://book.example.com.',
    ],
    [
      "no requests at all",
      { SLOTBASE_REQUESTS_PER_SECOND: "0" },
      'SLOTBASE_REQUESTS_PER_SECOND is "0"; set it to a whole number from 1 to 1000000.',
    ],
    [
      "uploads of no size",
      { SLOTBASE_MAX_UPLOAD_MB: "0" },
      'SLOTBASE_MAX_UPLOAD_MB is "0"; set it to a whole number of megabytes from 1 to 5120.',
    ],
    [
      "a bucket without its keys",
      { S3_BUCKET: "uploads", S3_ACCESS_KEY_ID: "id" },
      "With S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are required.",
    ],
    [
      "an object storage without a bucket",
      { S3_ENDPOINT: "https://s3.example.com" },
      "S3_ENDPOINT is set without S3_BUCKET: name the bucket for uploads.",
    ],
    [
      "an object storage at no address",
      { S3_BUCKET: "uploads", S3_ACCESS_KEY_ID: "id", S3_SECRET_ACCESS_KEY: "secret", S3_ENDPOINT: "s3.example.com" },
      'S3_ENDPOINT is "s3.example.com"; set it to an address such as https://s3.eu-central-1.amazonaws.com.',
    ],
  ]
  test.each(mistakes)("%s", (_, env, message) => {
    expect(() => parseConfig(env)).toThrow(new BadConfig(message))
  })
})
