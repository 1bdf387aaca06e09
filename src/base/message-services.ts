/** The configuration of the services that take text messages and push messages. A mistake stops the start. */
import { BadConfig } from "./bad-config.ts"

export interface SmsConfig {
  readonly accountSid: string
  readonly authToken: string
  /** A number in E.164, the name of a sender, or a messaging service (MG…). */
  readonly from: string
  /** The address of the provider's API. One that is not public must be in egressAllow. */
  readonly apiBase: string
}

export interface PushConfig {
  /** mailto: or https:, which push services are told; undefined: no address that they would accept. */
  readonly subject: string | undefined
  /** 32 bytes in base64url; undefined: generated at the first start. */
  readonly privateKey: string | undefined
}

type Text = (name: SmsVariable | PushVariable) => string | undefined
type SmsVariable = `SLOTBASE_SMS_${"ACCOUNT_SID" | "AUTH_TOKEN" | "FROM" | "API_BASE"}`
type PushVariable = "SLOTBASE_PUSH_SUBJECT" | "SLOTBASE_PUSH_PRIVATE_KEY"

/** Throws BadConfig. Undefined: no provider. */
export function smsOf(text: Text): SmsConfig | undefined {
  const [accountSid, authToken] = [text("SLOTBASE_SMS_ACCOUNT_SID"), text("SLOTBASE_SMS_AUTH_TOKEN")]
  const [from, apiBase] = [text("SLOTBASE_SMS_FROM"), text("SLOTBASE_SMS_API_BASE")]
  if (!accountSid && !authToken && !from && !apiBase) return undefined
  if (!accountSid || !authToken || !from)
    throw new BadConfig(
      "Text messages need SLOTBASE_SMS_ACCOUNT_SID, SLOTBASE_SMS_AUTH_TOKEN and SLOTBASE_SMS_FROM together. Without all three they go to the local phone.",
    )
  if (!/^AC[0-9a-fA-F]{32}$/.test(accountSid))
    throw new BadConfig('SLOTBASE_SMS_ACCOUNT_SID must be "AC" and 32 hexadecimal digits, as the provider shows it.')
  if (!/^(?:\+[1-9]\d{4,14}|MG[0-9a-fA-F]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/.test(from))
    throw new BadConfig(
      `SLOTBASE_SMS_FROM is "${from}"; set it to a number such as +4915112345678, to a messaging service (MG and 32 hexadecimal digits), or to a name of at most 11 letters and digits.`,
    )
  const base = URL.parse(apiBase ?? "https://api.twilio.com")
  if (!base || !/^https?:$/.test(base.protocol) || base.pathname !== "/" || base.search || base.username)
    throw new BadConfig(`SLOTBASE_SMS_API_BASE is "${apiBase}"; set it to an address such as http://127.0.0.1:12112.`)
  return { accountSid, authToken, from, apiBase: base.origin }
}

interface Around {
  readonly environment: "production" | "staging" | "development"
  readonly publicUrl: string
  readonly mailFrom: string
}

/** Throws BadConfig. */
export function pushOf(text: Text, { environment, publicUrl, mailFrom }: Around): PushConfig {
  const [given, privateKey] = [text("SLOTBASE_PUSH_SUBJECT"), text("SLOTBASE_PUSH_PRIVATE_KEY")]
  if (privateKey && !/^[A-Za-z0-9_-]{43}$/.test(privateKey))
    throw new BadConfig(
      "SLOTBASE_PUSH_PRIVATE_KEY must be a private key of P-256: 32 bytes in base64url, 43 characters.",
    )
  if (given !== undefined) {
    if (!isSubject(given))
      throw new BadConfig(
        `SLOTBASE_PUSH_SUBJECT is "${given}"; set it to an address such as mailto:desk@example.com or https://example.com/contact.`,
      )
    if (environment === "production" && !isReal(given))
      throw new BadConfig(
        `SLOTBASE_PUSH_SUBJECT is "${given}", which leads nobody to you: Apple refuses push messages then. Set it to an address such as mailto:desk@example.com.`,
      )
    return { subject: given, privateKey }
  }
  const address = /([^\s<>]+@[^\s<>]+)>?$/.exec(mailFrom)?.[1]
  const candidates = [address === undefined ? undefined : `mailto:${address}`, publicUrl].filter(
    (each) => each !== undefined && isSubject(each),
  )
  const local = environment === "production" ? undefined : "mailto:slotbase@localhost"
  return { subject: candidates.find((each) => each !== undefined && isReal(each)) ?? local, privateKey }
}

/** RFC 8292, section 2.1. */
const isSubject = (text: string) =>
  /^mailto:[^\s@<>"]+@[^\s@<>"]+$/.test(text) || (URL.canParse(text) && /^https:\/\/[^\s"]+$/.test(text))

/** Whether an operator of a push service could reach somebody there. */
function isReal(subject: string): boolean {
  const host = subject.startsWith("mailto:") ? subject.slice(subject.lastIndexOf("@") + 1) : new URL(subject).hostname
  const name = host.toLowerCase().replace(/\.$/, "")
  return (
    /^[^.]+(?:\.[^.]+)*\.[a-z][a-z0-9-]*$/.test(name) && !/(?:^|\.)(?:localhost|local|invalid|test|example)$/.test(name)
  )
}
