/** The body of a command that takes none. */
import * as Schema from "effect/Schema"

/** An empty Struct alone would let every field pass. */
export const NoInput = Schema.Struct({}).check(
  Schema.makeFilter(
    (input: object) => Object.keys(input).map((key) => ({ path: [key], issue: "Expected no excess property" })),
    {
      toJsonSchema: () => [{ additionalProperties: false }, true],
    },
  ),
)
