#!/usr/bin/env bash
# music-metadata 12.1.0, file-type 22.3.0 and mediabunny 1.61.0 on a voice note that Chromium 150 recorded.
# Needs Debian's chromium in the PATH, or its path in CHROMIUM. The note is three seconds of a tone, made here.
#
# Question: how long is a voice note that a browser's MediaRecorder wrote as audio/webm?
# Guess before the run: music-metadata answers no duration (the header has none), but names the codec and the track.
# Seen: it depends on how the page called `start`. After `start()` Chromium writes sizes, and the duration is right.
# After `start(500)`, as pages do that send pieces while they record, segment and clusters have an unknown size, as the
# format allows, and parseFile throws. So neither codec nor track is known: a program that catches the error can't tell
# a voice note from a video, because file-type says video/webm for both. music-metadata 10.9, 11.0, 11.12 and 12.0 throw
# the same. mediabunny reads both: three seconds of opus, no picture.
#
# Output seen:
#   start(): file-type video/webm; music-metadata 3 s, OPUS; mediabunny 3 s, audio/webm; codecs="opus"
#   start(500): file-type video/webm; music-metadata throws; mediabunny 3 s, audio/webm; codecs="opus"
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
for (const [mimeType, name, sliceMs] of JSON.parse(process.argv[2])) {
  const bytes = await page.evaluate(async ({ mimeType, sliceMs }) => {
    const sound = new AudioContext()
    const tone = sound.createOscillator()
    const out = sound.createMediaStreamDestination()
    tone.connect(out)
    tone.start()
    const recorder = new MediaRecorder(out.stream, { mimeType })
    const parts = []
    recorder.ondataavailable = ({ data }) => parts.push(data)
    const ended = new Promise((done) => (recorder.onstop = done))
    recorder.start(sliceMs)
    await new Promise((done) => setTimeout(done, 3_000))
    recorder.stop()
    await ended
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())]
  }, { mimeType, sliceMs })
  writeFileSync(name, Uint8Array.from(bytes))
}
await browser.close()
JS
node record.mjs '[["audio/webm;codecs=opus","whole.webm"],["audio/webm;codecs=opus","sliced.webm",500]]'

cat >read.mjs <<'JS'
import { readFileSync } from "node:fs"
import { fileTypeFromFile } from "file-type"
import { ALL_FORMATS, BufferSource, Input } from "mediabunny"
import { parseFile } from "music-metadata"

for (const [call, file] of [["start()", "whole.webm"], ["start(500)", "sliced.webm"]]) {
  const { mime } = await fileTypeFromFile(file)
  const answer = await parseFile(file, { duration: true }).then(
    ({ format }) => `${Math.round(format.duration)} s, ${format.codec}`,
    () => "throws",
  )
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(readFileSync(file)) })
  const length = Math.round(await input.computeDuration())
  console.log(`${call}: file-type ${mime}; music-metadata ${answer}; mediabunny ${length} s, ${await input.getMimeType()}`)
}
JS
node read.mjs | tee seen.txt
cat >expected.txt <<'TXT'
start(): file-type video/webm; music-metadata 3 s, OPUS; mediabunny 3 s, audio/webm; codecs="opus"
start(500): file-type video/webm; music-metadata throws; mediabunny 3 s, audio/webm; codecs="opus"
TXT
diff expected.txt seen.txt && echo "unchanged: music-metadata 12.1.0 can't read a voice note that was recorded in slices"
