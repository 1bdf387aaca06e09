// Makes one request and prints the result. It is a separate process because NODE_EXTRA_CA_CERTS is read only at start.

import { guardedFetch } from "#base/egress/fetch.ts"

const [url = "", ...names] = process.argv.slice(2)
const resolve = async (name: string) => (names.includes(name) ? ["127.0.0.1"] : [])

for (const target of url.split(",")) {
  const outcome = await guardedFetch(target, { allow: ["127.0.0.0/8"], resolve }).then(
    ({ status, body }) => `${status} ${body}`,
    (error: { code: string }) => error.code,
  )
  console.log(outcome)
}
