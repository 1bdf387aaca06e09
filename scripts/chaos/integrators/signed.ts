// Whether a request is signed by a secret, as a receiver finds out that knows only this one secret.

import { createHmac } from "node:crypto"

export function isSignedBy(
  secret: string,
  { headers, body }: { readonly headers: Headers; readonly body: string },
): boolean {
  const signature = createHmac("sha256", secret)
    .update(`${headers.get("x-slotbase-timestamp")}.${body}`)
    .digest("hex")
  return ["x-slotbase-signature", "x-slotbase-signature-next"].some((name) => headers.get(name) === signature)
}
