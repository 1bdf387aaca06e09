// Misspelt environment variables: each is named with the variable that was probably meant.

import { expect, test } from "bun:test"
import { variables } from "#base/config.ts"
import { unknownVariables } from "#base/unknown-variables.ts"

const warnings = (...names: string[]) => unknownVariables(Object.fromEntries(names.map((name) => [name, "x"])))

test("no variable of the program is unknown", () => {
  expect(warnings(...variables)).toEqual([])
})

test.each([
  ["SLOTBASE_EGRESS_ALOW", "SLOTBASE_EGRESS_ALLOW"],
  ["SLOTBASE_DATADIR", "SLOTBASE_DATA_DIR"],
  ["SLOTBASE_ROEL", "SLOTBASE_ROLE"],
  ["SLOTBASE_ROOTKEY", "SLOTBASE_ROOT_KEY"],
  ["SLOTBSAE_ROLE", "SLOTBASE_ROLE"],
  ["DATABASE_URI", "DATABASE_URL"],
  ["STRIPE_SECRETKEY", "STRIPE_SECRET_KEY"],
  ["S3_BUKCET", "S3_BUCKET"],
  ["SMPT_URL", "SMTP_URL"],
])("%s is reported with its nearest variable %s", (misspelt, meant) => {
  expect(warnings(misspelt)).toEqual([
    `${misspelt} is not a variable of SlotBase and is ignored. Did you mean ${meant}?`,
  ])
})

test("a SLOTBASE_… variable that resembles no other is reported without a suggestion", () => {
  expect(warnings("SLOTBASE_FAVOURITE_COLOUR")).toEqual([
    "SLOTBASE_FAVOURITE_COLOUR is not a variable of SlotBase and is ignored. docs/operating.md lists all variables.",
  ])
})

test("variables of other programs are not reported", () => {
  expect(warnings("PATH", "HOME", "POST", "HOSTS", "AMQP_URL", "STRIPE_API_KEY", "AWS_REGION", "SLOTBASE")).toEqual([])
})

test("variables of the tests are not reported", () => {
  expect(warnings("SLOTBASE_TEST_RUN", "SLOTBASE_RECORD_BUDGET", "SLOTBASE_PROPERTY_SEED")).toEqual([])
})
