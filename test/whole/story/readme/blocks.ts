// The fenced blocks of a Markdown page that a reader pastes: commands, programs, questions in SQL.

export interface Block {
  readonly language: "sh" | "ts" | "sql"
  readonly text: string
}

/** In the order of the page; the indentation of a list is taken away. Blocks without a language are pictures. */
export function blocksOf(markdown: string): Block[] {
  const fenced = /^( *)```(sh|ts|sql)\n([\s\S]*?)^\1```$/gm
  return [...markdown.matchAll(fenced)].map(([, indent = "", language, text = ""]) => ({
    language: language as Block["language"],
    text: text.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd(),
  }))
}
