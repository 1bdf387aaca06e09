/** The body of a command that takes none. */
import * as Schema from "effect/Schema"

/** An empty Struct alone would let every field pass, and every value but null: `true`, `0`, a list. */
export const NoInput = Schema.Struct({}).check(
  Schema.makeFilter(
    (input: object) =>
      typeof input !== "object" || Array.isArray(input)
        ? "Expected object"
        : Object.keys(input).map((key) => ({ path: [key], issue: "Expected no excess property" })),
    {
      toJsonSchema: () => [{ additionalProperties: false }, true],
    },
  ),
)
