// The page that shows the pictures side by side.

import { join } from "node:path"
import { looks } from "./camera.ts"

export interface Taken {
  readonly name: string
  readonly title: string
  readonly faults: readonly string[]
}

export const writeAlbum = (folder: string, taken: readonly Taken[]): Promise<number> =>
  Bun.write(join(folder, "index.html"), albumOf(taken))

export const albumOf = (taken: readonly Taken[]): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The booking page in pictures</title>
<style>
body { margin: 2rem; background: #888; color: #fff; font: 16px/1.4 system-ui, sans-serif }
section { margin-bottom: 3rem }
.row { display: flex; gap: 1rem; overflow-x: auto; align-items: start }
figure { margin: 0 } img { height: 520px; display: block } h2 { margin: 0 0 .5rem } a { color: inherit }
</style></head>
<body><h1>The booking page in pictures</h1>
${taken.map(sectionOf).join("\n")}
</body></html>
`

const sectionOf = ({ name, title, faults }: Taken): string => `<section id="${name}"><h2>${Bun.escapeHTML(title)}</h2>
<div class="row">${looks.map((look) => figureOf(`${name}-${look.name}`, look.name)).join("")}</div>
${faults.length === 0 ? "" : `<ul>${faults.map((fault) => `<li>${Bun.escapeHTML(fault)}</li>`).join("")}</ul>`}</section>`

const figureOf = (file: string, look: string): string =>
  `<figure><a href="${file}.png"><img loading="lazy" src="${file}.png" alt="${look}"></a><figcaption>${look}</figcaption></figure>`
