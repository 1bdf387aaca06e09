/** Comments and the manual can be read without scrolling sideways, and at the first reading. */

import { type Law, type Source, schema, typescript, type Violation } from "./law.ts"
import { blocksOf, commentLinesOf } from "./reading/comments.ts"
import { sentencesOf, wordsOf } from "./reading/sentences.ts"

const widest = 120
const mostWords = 25
const manual = /^(README\.md|docs\/.*\.md)$/
/** The descriptions and summaries that the program writes into its OpenAPI document. */
const apiDocument = /^docs\/openapi\.json$/

export const commentWidthLaw: Law = {
  name: `lines of comments end at ${widest} columns`,
  reads: [typescript, schema],
  check: (sources) =>
    sources.flatMap(({ path, text }) =>
      commentLinesOf(path, text)
        .filter((each) => [...each.text].length > widest && !isOneWord(each.text))
        .map((each): Violation => {
          const says = `has a comment of ${[...each.text].length} columns in line ${each.line}`
          return { file: path, says }
        }),
    ),
  broken: [
    {
      tree: { "src/base/a.ts": `\n// ${"word ".repeat(24)}` },
      says: ["src/base/a.ts has a comment of 123 columns in line 2"],
    },
    {
      tree: { "src/base/a.ts": `/**\n * ${"a ".repeat(60)}\n */\nconst a = 1 /* ${"a ".repeat(60)}*/` },
      says: [
        "src/base/a.ts has a comment of 123 columns in line 2",
        "src/base/a.ts has a comment of 137 columns in line 4",
      ],
    },
    {
      tree: { "sql/a.sql": `select 1; -- ${"a ".repeat(60)}` },
      says: ["sql/a.sql has a comment of 133 columns in line 1"],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/a.ts": `// ${"ä".repeat(117)}\nconst text = "// ${"a ".repeat(80)}"`,
        "src/base/b.ts": `// https://example.org/${"a".repeat(120)}\n// biome-ignore lint/a: ${"a ".repeat(60)}`,
        "sql/a.sql": `comment on table a is '-- ${"a ".repeat(80)}';\n/* a */ select ${"a ".repeat(80)};`,
      },
    },
  ],
}

export const sentenceLengthLaw: Law = {
  name: `no sentence of a comment, of the manual or of the API's document has more than ${mostWords} words`,
  reads: [typescript, schema, manual, apiDocument],
  check: (sources) => sources.flatMap(longSentences),
  broken: [
    {
      tree: { "src/base/a.ts": `/**\n * ${words(13)}\n * ${words(13)}. End.\n */\n// ${words(20)}\n// ${words(6)}` },
      says: [
        'src/base/a.ts has a sentence of 26 words in the comment of line 1: "w1 w2 w3 w4 w5 w6 …"',
        'src/base/a.ts has a sentence of 26 words in the comment of line 5: "w1 w2 w3 w4 w5 w6 …"',
      ],
    },
    {
      tree: {
        "sql/a.sql": `-- ${words(26)}.\n\ncomment on table a is\n  '${words(26)}';`,
        "docs/a.md": `# A\n\nFine.\n${words(26)}.`,
        "README.md": `- ${words(26)}`,
      },
      says: [
        'sql/a.sql has a sentence of 26 words in the comment of line 1: "w1 w2 w3 w4 w5 w6 …"',
        'sql/a.sql has a sentence of 26 words in the comment of line 3: "w1 w2 w3 w4 w5 w6 …"',
        'docs/a.md has a sentence of 26 words: "w1 w2 w3 w4 w5 w6 …"',
        'README.md has a sentence of 26 words: "w1 w2 w3 w4 w5 w6 …"',
      ],
    },
    {
      tree: { "docs/openapi.json": `{ "a": [{ "summary": "${words(26)}" }], "description": "${words(27)}." }` },
      says: [
        'docs/openapi.json has a sentence of 26 words: "w1 w2 w3 w4 w5 w6 …"',
        'docs/openapi.json has a sentence of 27 words: "w1 w2 w3 w4 w5 w6 …"',
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/a.ts": `/** ${words(25)}. ${words(25)}. */\nconst a = "// ${words(30)}" // A.\n// B ${words(20)}`,
        "docs/a.md": `\`\`\`\n${words(30)}\n\`\`\`\n| ${words(30)} |\n`,
        "docs/openapi.json": `{ "description": "${words(25)}", "pattern": "${words(30)}" }`,
      },
    },
  ],
}

function longSentences({ path, text }: Source): Violation[] {
  const isComment = !manual.test(path) && !apiDocument.test(path)
  return proseOf(path, text).flatMap(({ line, lines }) =>
    sentencesOf(lines)
      .map(wordsOf)
      .filter((each) => each.length > mostWords)
      .map((each): Violation => {
        const where = isComment ? ` in the comment of line ${line}` : ""
        const says = `has a sentence of ${each.length} words${where}: "${each.slice(0, 6).join(" ")} …"`
        return { file: path, says }
      }),
  )
}

function proseOf(path: string, text: string): readonly { readonly line: number; readonly lines: readonly string[] }[] {
  if (manual.test(path)) return [{ line: 1, lines: text.split("\n") }]
  if (apiDocument.test(path)) return textsOf(JSON.parse(text)).map((each) => ({ line: 1, lines: each.split("\n") }))
  return blocksOf(path, text)
}

/** The descriptions and summaries anywhere in a JSON value. */
function textsOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, each]) =>
    typeof each === "string" && (key === "description" || key === "summary") ? [each] : textsOf(each),
  )
}

/** A long address cannot be broken. */
function isOneWord(line: string): boolean {
  return (
    line
      .replace(/^[\s/*-]+/, "")
      .trim()
      .split(/\s+/).length === 1
  )
}

function words(count: number): string {
  return Array.from({ length: count }, (_, index) => `w${index + 1}`).join(" ")
}
