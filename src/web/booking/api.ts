/**
 * The API, as the page asks it. The token stays in this object, and goes into the header of each request alone. A
 * command carries an Idempotency-Key, so that a command whose answer was lost can be sent again.
 */

/** The API refused a request. `code` is stable. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** No answer came: the network or the server is away, or the server is starting. */
export class Away extends Error {}

export class Api {
  /** Undefined: nobody is signed in. */
  token: string | undefined
  /** Hears that the server has refused the token: the session has ended. */
  onEnded: () => void = () => {}

  /** @param facilityId whose resources have addresses that begin with `…` */
  constructor(private readonly facilityId: string) {}

  get = <T>(path: string): Promise<T> => this.#ask<T>("GET", path).then(({ body }) => body as T)

  /** A document with its ETag; undefined while it is the one of `known`. */
  async getTagged<T>(path: string, known?: string): Promise<{ readonly body: T; readonly tag: string } | undefined> {
    const { status, body, tag } = await this.#ask<T>("GET", path, undefined, known ? { "if-none-match": known } : {})
    return status === 304 ? undefined : { body: body as T, tag }
  }

  /** @param key the same for a repetition of the same command */
  send = <T>(method: string, path: string, body?: object, key: string = crypto.randomUUID()): Promise<T> =>
    this.#ask<T>(method, path, body, method === "POST" && this.token ? { "idempotency-key": key } : {}).then(
      (answer) => answer.body as T,
    )

  async #ask<T>(method: string, path: string, body?: object, more: Record<string, string> = {}) {
    const token = this.token
    const headers = {
      ...more,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    }
    const address = path.replace(/^…/, `/v1/facilities/${this.facilityId}`)
    const answer = await fetch(address, {
      method,
      headers,
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(20_000),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Away()
    })
    const text = await answer.text().catch(() => {
      throw new Away()
    })
    if (answer.ok || answer.status === 304) {
      return {
        status: answer.status,
        tag: answer.headers.get("etag") ?? "",
        body: (text === "" ? undefined : JSON.parse(text)) as T | undefined,
      }
    }
    if (answer.status >= 502 || answer.status === 503) throw new Away()
    if (answer.status === 401 && token !== undefined) {
      if (token === this.token) this.onEnded()
      throw new Refused(401, "session_ended", "")
    }
    throw refusalOf(answer.status, text)
  }
}

function refusalOf(status: number, text: string): Refused {
  try {
    const { code, detail, errors = [] } = JSON.parse(text)
    const faults = errors.map(({ message }: { message: string }) => message)
    return new Refused(status, String(code), [detail, ...faults].join(" "))
  } catch {
    return new Refused(status, "unknown", "")
  }
}
