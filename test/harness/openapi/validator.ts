// Validates values against the schemas of the OpenAPI document, by a JSON Schema validator that is not ours (ajv, draft
// 2020-12, with the formats checked).

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import addFormats from "ajv-formats"
import type { JsonSchema, OpenApi } from "./document.ts"

export interface Validator {
  /** The faults of a value, each with its place; none when the schema allows the value. */
  readonly faultsOf: (schema: JsonSchema, value: unknown) => string[]
}

const validators = new WeakMap<OpenApi, Validator>()

/** The validator of a document; its schemas are compiled when they are first needed, once each. */
export function validatorOf(document: OpenApi): Validator {
  const known = validators.get(document)
  if (known) return known
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true, logger: false })
  addFormats.default(ajv)
  // The components stand beside each schema, where its references look for them.
  ajv.addVocabulary(["components"])
  const compiled = new WeakMap<JsonSchema, ValidateFunction>()
  const validateOf = (schema: JsonSchema) => {
    const ready = compiled.get(schema) ?? ajv.compile({ ...schema, components: document.components })
    compiled.set(schema, ready)
    return ready
  }
  const made: Validator = {
    faultsOf(schema, value) {
      const validate = validateOf(schema)
      if (validate(value)) return []
      return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || "the value"} ${message}`)
    },
  }
  validators.set(document, made)
  return made
}
