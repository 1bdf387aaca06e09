#!/usr/bin/env bash
# pdfkit 0.20.2, saxes 6.0.0, dejavu-fonts-ttf 2.37.3. Node 20 or later.
#
# Question: is the XMP metadata of a PDF/A-3b invoice still XML when a club's name has an ampersand?
# Guess before the run: pdfkit escapes the title, as it escapes brackets in its PDF strings.
# Seen: it does not. With `subset: "PDF/A-3b"` the title, author, subject, keywords and creator are written into the XMP
# as they are. "Meier & Sohn" makes a packet that no XML parser reads, and "<" opens an element that never ends. The
# file still says pdfaid:part 3, and the document information dictionary beside it is right. No error is raised.
# PDF/A asks for the metadata to be well-formed XMP, so a validator refuses the whole invoice for the name of its seller.
# An escaped title ("Meier &amp; Sohn") repairs the XMP and spoils the dictionary: one option feeds both.
#
# Output seen:
#   title              in the dictionary  XMP
#   Meier und Sohn     Meier und Sohn     Meier und Sohn
#   Meier & Sohn       Meier & Sohn       not XML
#   Sets <6 points     Sets <6 points     not XML
#   Meier &amp; Sohn   Meier &amp; Sohn   Meier & Sohn
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund pdfkit@0.20.2 saxes@6.0.0 dejavu-fonts-ttf@2.37.3

cat >titles.mjs <<'JS'
import PDFDocument from "pdfkit"
import { SaxesParser } from "saxes"

const font = "node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf"

async function bytesOf(title) {
  const options = { subset: "PDF/A-3b", pdfVersion: "1.7", tagged: true, compress: false, lang: "en", font }
  const document = new PDFDocument({ ...options, info: { Title: title } })
  const chunks = []
  document.on("data", (chunk) => chunks.push(chunk))
  const ended = new Promise((resolve) => document.on("end", resolve))
  document.text("An invoice")
  document.end()
  await ended
  return Buffer.concat(chunks).toString("utf8")
}

/** By a strict parser. */
function titleInXmp(packet) {
  const parser = new SaxesParser()
  let [inside, title] = [false, ""]
  parser.on("error", (error) => {
    throw error
  })
  parser.on("opentag", ({ name }) => {
    if (name === "dc:title") inside = true
  })
  parser.on("closetag", ({ name }) => {
    if (name === "dc:title") inside = false
  })
  parser.on("text", (text) => {
    if (inside) title += text
  })
  try {
    parser.write(packet).close()
    return title.trim()
  } catch {
    return "not XML"
  }
}

function titleInDictionary(file) {
  const [, object] = /\/Title (\d+) 0 R/.exec(file)
  return new RegExp(`\\b${object} 0 obj\\s*\\(([^)]*)\\)`).exec(file)[1]
}

const line = (cells) => console.log(cells.map((cell, nth) => cell.padEnd([19, 19, 0][nth])).join("").trimEnd())
line(["title", "in the dictionary", "XMP"])
for (const title of ["Meier und Sohn", "Meier & Sohn", "Sets <6 points", "Meier &amp; Sohn"]) {
  const file = await bytesOf(title)
  const packet = /<x:xmpmeta[\s\S]*<\/x:xmpmeta>/.exec(file)[0]
  if (!/<pdfaid:part>3<\/pdfaid:part>/.test(packet)) throw new Error("the file does not claim PDF/A-3")
  line([title, titleInDictionary(file), titleInXmp(packet)])
}
JS
node titles.mjs | tee seen.txt
cat >expected.txt <<'TXT'
title              in the dictionary  XMP
Meier und Sohn     Meier und Sohn     Meier und Sohn
Meier & Sohn       Meier & Sohn       not XML
Sets <6 points     Sets <6 points     not XML
Meier &amp; Sohn   Meier &amp; Sohn   Meier & Sohn
TXT
diff expected.txt seen.txt && echo "unchanged: a title with & or < makes metadata that is no XML"
