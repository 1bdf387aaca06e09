/**
 * What a receiver answers is kept, and shown. Some receivers answer with the headers that they got, and so with the
 * webhook's credentials. Those are hidden before anything is kept. Pure.
 */
import { hidden } from "./sent-headers.ts"

interface Answered {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Shorter text is found in answers that have nothing to do with it. */
const shortest = 6

/** @param secret the headers of the request whose values are credentials */
export function withoutEchoes<A extends Answered>(answer: A, secret: Readonly<Record<string, string>>): A {
  const credentials = Object.values(secret).flatMap(credentialsIn)
  if (credentials.length === 0) return answer
  const hide = (text: string) => credentials.reduce((shown, credential) => shown.replaceAll(credential, hidden), text)
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, hide(value)])
  return { ...answer, headers: Object.fromEntries(headers), body: hide(answer.body) }
}

/** The whole value first. Then what follows a scheme such as Bearer, and the password of Basic. */
function credentialsIn(value: string): readonly string[] {
  const [, scheme = "", token = ""] = /^(\S+) +(.+)$/.exec(value) ?? []
  const pair = scheme === "Basic" ? Buffer.from(token, "base64").toString() : ""
  return [value, token, pair.slice(pair.indexOf(":") + 1)].filter((each) => each.length >= shortest)
}
