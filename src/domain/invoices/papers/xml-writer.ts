/** Writes XML: elements with attributes and text. What XML 1.0 cannot hold is left out of the text. */

export type XmlContent = string | readonly (XmlElement | undefined)[]

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly content: XmlContent
}

export const element = (
  name: string,
  content: XmlContent,
  attributes: Readonly<Record<string, string>> = {},
): XmlElement => ({ name, attributes, content })

export const xmlDocument = (root: XmlElement): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${written(root, "")}\n`

function written({ name, attributes, content }: XmlElement, indent: string): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`)
  const open = `${indent}<${name}${pairs.join("")}>`
  if (typeof content === "string") return `${open}${escaped(content)}</${name}>`
  const inner = content.flatMap((each) => (each === undefined ? [] : [written(each, `${indent}  `)]))
  return [open, ...inner, `${indent}</${name}>`].join("\n")
}

const escaped = (text: string) =>
  text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
