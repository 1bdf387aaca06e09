// Answers that differ from the document are found, and those that show a path of the machine or a stack.

import { expect, test } from "bun:test"
import { homedir } from "node:os"
import { join } from "node:path"
import { documentOf } from "#api/openapi.ts"
import { createServer } from "#api/server.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { answerFaults } from "./answers.ts"
import type { OpenApi } from "./document.ts"
import { leaksIn } from "./leaks.ts"

const document = JSON.parse(JSON.stringify(documentOf(createServer(testApp(undefined as never))))) as OpenApi
const at = "/v1/facilities/01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01/reminder-settings"
const faults = (status: number, body: unknown) => answerFaults(document, { method: "GET", path: at, status, body })
const settings = { remind24h: true, remind1h: true, customMinutes: null }

test("an answer of another shape, with another status, or with a broken problem document is found", () => {
  expect(faults(200, settings)).toEqual([])
  expect(faults(200, { ...settings, customMinutes: 1 })).toEqual([
    `GET ${at} → 200: /customMinutes must be >= 5`,
    ...anyOf,
  ])
  expect(faults(200, { ...settings, surplus: 1 })).toEqual([
    `GET ${at} → 200: the value must NOT have additional properties`,
  ])
  expect(faults(202, settings)).toEqual([`GET ${at} → 202 is not in the document`])
  expect(faults(404, { title: "Not found" })).toContain(`GET ${at} → 404: the value must have required property 'code'`)
})

/** The other faults of a value that none of two choices takes. */
const anyOf = ["/customMinutes must be null", "/customMinutes must match a schema in anyOf"].map(
  (fault) => `GET ${at} → 200: ${fault}`,
)

test("a path of the machine or a stack in a body is found, also at an address that the document does not have", () => {
  const project = join(import.meta.dir, "../../..")
  const { stack = "" } = new Error("planted")
  const nowhere = (body: unknown) => answerFaults(document, { method: "GET", path: "/nowhere", status: 500, body })
  expect(nowhere({ detail: "An address such as /srv/file.ts at noon." })).toEqual([])
  expect(nowhere({ detail: `no such file: ${project}/src/main.ts` })).toContain(
    `GET /nowhere → 500: the body names ${project}`,
  )
  expect(nowhere({ detail: stack })).toContain("GET /nowhere → 500: the body holds a frame of a stack")
  expect(leaksIn(JSON.stringify({ detail: "planted\n    at run (file.ts:1:1)" }))).toEqual([
    "the body holds a frame of a stack",
  ])
  expect(leaksIn("thrown at async run")).toEqual(["the body holds a frame of a stack"])
  expect(leaksIn({ detail: join(homedir(), "data/uploads") })).toContain(`the body names ${homedir()}/`)
})
