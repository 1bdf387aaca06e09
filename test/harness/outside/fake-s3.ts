// An object storage on the loopback, with the parts of S3 that uploads need.
//
// - Objects are in memory, whole or in parts, with ranges and lists.
// - Every signature is checked as AWS does (Signature Version 4), in the header or in a presigned address.

import { createHash, createHmac } from "node:crypto"

export interface FakeS3 {
  readonly config: { bucket: string; accessKeyId: string; secretAccessKey: string; endpoint: string; region: string }
  readonly objects: Map<string, StoredBytes>
  /** The requests so far, such as "PUT /uploads/key". */
  readonly requests: string[]
  /** Makes the storage refuse all further requests, or none. */
  refuse(refuses: boolean): void
  /** A page that answers all further requests with 200 in place of the storage; undefined: the storage answers. */
  page: string | undefined
  readonly stop: () => Promise<void>
}

export interface StoredBytes {
  readonly bytes: Buffer
  readonly headers: Record<string, string>
  modifiedAt: Date
}

const bucket = "uploads"
const [accessKeyId, secretAccessKey, region] = ["AKIATEST", "a secret of the test", "eu-test-1"]

export function startFakeS3(): FakeS3 {
  const objects = new Map<string, StoredBytes>()
  const parts = new Map<string, Map<number, Buffer>>()
  const requests: string[] = []
  let refuses = false

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const url = new URL(request.url)
      requests.push(
        `${request.method} ${url.pathname}${url.search === "" || url.searchParams.has("X-Amz-Date") ? "" : url.search}`,
      )
      if (fake.page !== undefined) return new Response(fake.page, { headers: { "content-type": "text/html" } })
      if (refuses || !isSigned(request, url)) return xml(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>")
      const [, name, ...rest] = url.pathname.split("/")
      if (name !== bucket) return xml(404, "<Error><Code>NoSuchBucket</Code></Error>")
      const key = decodeURIComponent(rest.join("/"))
      return key === "" ? listOf(url) : await object(request, url, key)
    },
  })

  async function object(request: Request, url: URL, key: string): Promise<Response> {
    const { searchParams: query } = url
    const upload = query.get("uploadId")
    if (request.method === "POST" && query.has("uploads")) {
      const id = `upload-${parts.size + 1}`
      parts.set(id, new Map())
      return xml(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
    }
    if (request.method === "PUT" && upload !== null) {
      const bytes = Buffer.from(await request.arrayBuffer())
      parts.get(upload)?.set(Number(query.get("partNumber")), bytes)
      return new Response(null, { headers: { etag: `"${createHash("md5").update(bytes).digest("hex")}"` } })
    }
    if (request.method === "POST" && upload !== null) {
      const sorted = [...(parts.get(upload) ?? [])].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)
      keep(key, Buffer.concat(sorted), request)
      return xml(200, "<CompleteMultipartUploadResult><ETag>&quot;whole&quot;</ETag></CompleteMultipartUploadResult>")
    }
    if (request.method === "PUT") {
      keep(key, Buffer.from(await request.arrayBuffer()), request)
      return new Response(null, { headers: { etag: '"whole"' } })
    }
    if (request.method === "DELETE") {
      objects.delete(key)
      return new Response(null, { status: 204 })
    }
    const found = objects.get(key)
    if (!found) return xml(404, "<Error><Code>NoSuchKey</Code></Error>")
    return new Response(request.method === "HEAD" ? null : found.bytes, {
      headers: { ...found.headers, "content-length": String(found.bytes.byteLength) },
    })
  }

  function keep(key: string, bytes: Buffer, request: Request): void {
    const headers: Record<string, string> = {}
    for (const name of ["content-type", "content-disposition"]) {
      const value = request.headers.get(name)
      if (value !== null) headers[name] = value
    }
    objects.set(key, { bytes, headers, modifiedAt: new Date() })
  }

  function listOf(url: URL): Response {
    const after = url.searchParams.get("start-after") ?? ""
    const most = Number(url.searchParams.get("max-keys") ?? 1000)
    const found = [...objects].filter(([key]) => key > after).sort(([a], [b]) => (a < b ? -1 : 1))
    const shown = found
      .slice(0, most)
      .map(
        ([key, { bytes, modifiedAt }]) =>
          `<Contents><Key>${key}</Key><LastModified>${modifiedAt.toISOString()}</LastModified><Size>${bytes.byteLength}</Size></Contents>`,
      )
    return xml(
      200,
      `<ListBucketResult><Name>${bucket}</Name><KeyCount>${shown.length}</KeyCount><IsTruncated>${found.length > most}</IsTruncated>${shown.join("")}</ListBucketResult>`,
    )
  }

  const endpoint = `http://127.0.0.1:${server.port}`
  const fake: FakeS3 = {
    page: undefined,
    config: { bucket, accessKeyId, secretAccessKey, endpoint, region },
    objects,
    requests,
    refuse: (now) => {
      refuses = now
    },
    stop: () => server.stop(true),
  }
  return fake
}

const xml = (status: number, body: string) =>
  new Response(`<?xml version="1.0" encoding="UTF-8"?>${body}`, {
    status,
    headers: { "content-type": "application/xml" },
  })

/** Whether the request is signed with the secret key and, for a presigned address, has not expired. */
function isSigned(request: Request, url: URL): boolean {
  const presigned = url.searchParams.get("X-Amz-Signature")
  const header = request.headers.get("authorization") ?? ""
  const scope = presigned === null ? partOf(header, "Credential") : (url.searchParams.get("X-Amz-Credential") ?? "")
  const names =
    presigned === null ? partOf(header, "SignedHeaders") : (url.searchParams.get("X-Amz-SignedHeaders") ?? "")
  const at = (presigned === null ? request.headers.get("x-amz-date") : url.searchParams.get("X-Amz-Date")) ?? ""
  const [keyId, day = "", ...rest] = scope.split("/")
  if (keyId !== accessKeyId || rest.join("/") !== `${region}/s3/aws4_request`) return false
  if (presigned !== null && Date.now() > instantOf(at) + Number(url.searchParams.get("X-Amz-Expires")) * 1000)
    return false
  const query = url.search
    .slice(1)
    .split("&")
    .filter((each) => each !== "" && !each.startsWith("X-Amz-Signature="))
    .map((each) => (each.includes("=") ? each : `${each}=`))
    .sort()
  const headers = names.split(";").map((name) => `${name}:${(request.headers.get(name) ?? "").trim()}\n`)
  const payload = presigned === null ? (request.headers.get("x-amz-content-sha256") ?? "") : "UNSIGNED-PAYLOAD"
  const canonical = [request.method, url.pathname, query.join("&"), headers.join(""), names, payload].join("\n")
  const hash = createHash("sha256").update(canonical).digest("hex")
  const text = ["AWS4-HMAC-SHA256", at, `${day}/${rest.join("/")}`, hash].join("\n")
  const key = [day, region, "s3", "aws4_request"].reduce<Buffer>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  )
  const right = createHmac("sha256", key).update(text).digest("hex")
  return right === (presigned ?? partOf(header, "Signature"))
}

const partOf = (header: string, name: string) => new RegExp(`${name}=([^,\\s]+)`).exec(header)?.[1] ?? ""

/** The instant of a text such as 20260312T170000Z. */
const instantOf = (text: string) =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"))
