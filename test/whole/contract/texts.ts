// Every text of a request is bounded, and shows what it is. The texts that nobody reads as they are have their names in
// a list, with the reason.

import { followed, type JsonSchema, type OpenApi } from "#test/harness/openapi/document.ts"

/** Texts that may hold any character that the database can hold, by field. */
export const opaqueTexts: Readonly<Record<string, string>> = {
  password: "only its hash is kept, or it is sealed; people choose any characters",
  currentPassword: "compared with a hash; people choose any characters",
  newPassword: "only its hash is kept; people choose any characters",
  username: "sealed; sent to the receiver in Base64",
  signingSecret: "sealed; its bytes are a key",
  code: "compared with a code of ours",
  csv: "a file; each field of a line is judged by itself",
  after: "a cursor of ours, which is decoded",
  handler: "compared with names of handlers",
  signature: "compared with a signature of ours",
}

/** The faults of the texts in a schema, each with the path of its field. */
export function textFaults(document: OpenApi, given: JsonSchema, path = "", name = ""): string[] {
  const schema = followed(document, given)
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  return [
    ...(schema.type === "string" ? faultsOf(schema, name).map((fault) => `${path || "the text"} ${fault}`) : []),
    ...parts.flatMap((part) => textFaults(document, part, path, name)),
    ...(schema.items ? textFaults(document, schema.items, `${path}[]`, name) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([field, part]) =>
      textFaults(document, part, `${path}.${field}`, field),
    ),
  ]
}

function faultsOf(schema: JsonSchema, name: string): string[] {
  if (schema.enum !== undefined || "const" in schema || schema.format === "binary") return []
  const all = [schema, ...(schema.allOf ?? [])]
  const patterns = all.flatMap((part) => part.pattern ?? []).map((pattern) => new RegExp(pattern, "u"))
  const takes = (text: string) => patterns.every((pattern) => pattern.test(text))
  const faults: string[] = []
  if (!all.some(({ maxLength }) => maxLength !== undefined) && !patterns.some(isBounded))
    faults.push("has no maximum length")
  const unstorable = ["\u0000", "a\u0000b", "\ud800", "a\udc00b"].filter(takes)
  if (unstorable.length > 0) faults.push("takes text that the database cannot hold")
  const hidden = [..."\u202e\u200b\u2066\ufeff\u001b\u0085\u{e0041}"]
    .flatMap((each) => [each, `a${each}b`])
    .filter(takes)
  const isOpaque = Object.hasOwn(opaqueTexts, name)
  if (hidden.length > 0 && !isOpaque) faults.push("takes invisible and control characters")
  return faults
}

/** A pattern of fixed length, such as that of a UUID. */
const isBounded = ({ source }: RegExp) =>
  source.startsWith("^") && source.endsWith("$") && !/[*+]|\{\d+,\}/.test(source.replace(/\\.|\[[^\]]*\]/g, "."))
