// A process of its own, because NODE_EXTRA_CA_CERTS is read at its start: makes one request and prints what came of it.

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
