#!/usr/bin/env bash
# music-metadata 12.1.0, file-type 22.3.0 and mediabunny 1.61.0 on a recording that Chromium 150 wrote as mp4.
# Needs Debian's chromium in the PATH, or its path in CHROMIUM. The recording is three seconds of a tone, made here.
#
# Question: how long is a recording that a browser's MediaRecorder wrote as audio/mp4 (a fragmented file)?
# Guess before the run: three seconds, or no duration where the parser leaves fragments out.
# Seen: music-metadata answers some hundredths of a second: it takes the first fragment for the whole.
# A rule such as "at most 60 seconds" lets an hour pass. Versions 10.9 to 11.12 answered no duration, which can be told
# apart; since 12.0 the wrong length looks like a right one. mediabunny adds up the fragments: three seconds.
# file-type says video/mp4 though there is sound alone.
#
# Output seen:
#   file-type: video/mp4
#   music-metadata: less than a tenth of a second
#   mediabunny: 3 s, audio/mp4; codecs="opus"
set -euo pipefail
CHROMIUM=${CHROMIUM:-$(command -v chromium)}
export CHROMIUM
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund playwright-core@1.65.1 music-metadata@12.1.0 file-type@22.3.0 mediabunny@1.61.0

cat >record.mjs <<'JS'
import { writeFileSync } from "node:fs"
import { chromium } from "playwright-core"

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
})
const page = await browser.newPage()
for (const [mimeType, name] of JSON.parse(process.argv[2])) {
  const bytes = await page.evaluate(async (mimeType) => {
    const sound = new AudioContext()
    const tone = sound.createOscillator()
    const out = sound.createMediaStreamDestination()
    tone.connect(out)
    tone.start()
    const recorder = new MediaRecorder(out.stream, { mimeType })
    const parts = []
    recorder.ondataavailable = ({ data }) => parts.push(data)
    const ended = new Promise((done) => (recorder.onstop = done))
    recorder.start()
    await new Promise((done) => setTimeout(done, 3_000))
    recorder.stop()
    await ended
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())]
  }, mimeType)
  writeFileSync(name, Uint8Array.from(bytes))
}
await browser.close()
JS
node record.mjs '[["audio/mp4;codecs=opus","note.mp4"]]'

cat >read.mjs <<'JS'
import { readFileSync } from "node:fs"
import { fileTypeFromFile } from "file-type"
import { ALL_FORMATS, BufferSource, Input } from "mediabunny"
import { parseFile } from "music-metadata"

console.log(`file-type: ${(await fileTypeFromFile("note.mp4")).mime}`)
const { duration } = (await parseFile("note.mp4", { duration: true })).format
console.log(`music-metadata: ${duration > 0 && duration < 0.1 ? "less than a tenth of a second" : `${duration} s`}`)
const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(readFileSync("note.mp4")) })
console.log(`mediabunny: ${Math.round(await input.computeDuration())} s, ${await input.getMimeType()}`)
JS
node read.mjs | tee seen.txt
cat >expected.txt <<'TXT'
file-type: video/mp4
music-metadata: less than a tenth of a second
mediabunny: 3 s, audio/mp4; codecs="opus"
TXT
diff expected.txt seen.txt && echo "unchanged: music-metadata 12.1.0 takes the first fragment of an mp4 for the whole"
