// The OpenAPI document as the tests read it: its operations as a list, and JSON Schemas with their references resolved.

export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly $ref?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly examples?: readonly unknown[]
  readonly items?: JsonSchema | false
  readonly prefixItems?: readonly JsonSchema[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
}

interface Content {
  readonly description?: string
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>
}

export interface Operation {
  /** Such as "POST /v1/facilities/{facilityId}/bookings". */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly {
    readonly name: string
    readonly in: "path" | "query" | "header"
    readonly required?: boolean
    readonly schema: JsonSchema
    readonly example?: string
  }[]
  readonly requestBody?: Content
  readonly responses: Readonly<Record<string, Content>>
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, "name" | "method" | "path">>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

export const operationsOf = ({ paths }: OpenApi): Operation[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path}`
      return { ...operation, parameters: operation.parameters ?? [], name, method: method.toUpperCase(), path }
    }),
  )

/** The schema of a JSON body; undefined when the operation takes none. */
export const bodyOf = (operation: Operation): JsonSchema | undefined =>
  operation.requestBody?.content?.["application/json"]?.schema

/** The example of a JSON body. */
export const exampleOf = (operation: Operation): unknown =>
  operation.requestBody?.content?.["application/json"]?.example

/** The schema itself; a reference to one of the document's components is resolved. */
export function followed(document: OpenApi, schema: JsonSchema): JsonSchema {
  const name = /^#\/components\/schemas\/(.+)$/.exec(schema.$ref ?? "")?.[1]
  if (name === undefined) return schema
  const found = document.components.schemas[name]
  if (found === undefined) throw new Error(`the document has no schema ${name}`)
  return followed(document, found)
}
