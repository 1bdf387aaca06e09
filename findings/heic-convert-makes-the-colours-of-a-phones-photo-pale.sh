#!/usr/bin/env bash
# heic-convert 2.1.0 on a HEIC photo in Display P3, as phones write them, read back by sharp 0.35.3.
# The photo is 200 × 400 points, red but for one blue quarter: the red of the web, which Display P3 writes as 234, 51, 35.
#
# Question: which red has the JPEG that heic-convert makes of it?
# Guess before the run: the red of the web, 255 0 0, or 234 51 35 beside the profile that says what they mean.
# Seen: 234 51 35 without a profile. So every program takes them for the colours of the web, and the photo is paler than
# on the phone. Its PNG is the same. The profile stands in the HEIC: sharp reads it from the header.
#
# Output seen:
#   the HEIC has a profile of 480 bytes
#   JPEG: 234 51 35, no profile
#   PNG: 234 51 35, no profile
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
photo=$(cd "$(dirname -- "$0")/.." && pwd)/test/harness/club/recordings/turned.heic
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund heic-convert@2.1.0 sharp@0.35.3

cat >look.mjs <<'JS'
import { readFileSync } from "node:fs"
import convert from "heic-convert"
import sharp from "sharp"

const buffer = readFileSync(process.argv[2])
const { icc } = await sharp(buffer).metadata()
console.log(`the HEIC has a profile of ${icc?.length ?? 0} bytes`)
for (const format of ["JPEG", "PNG"]) {
  const made = Buffer.from(await convert({ buffer, format, quality: 1 }))
  const { data, info } = await sharp(made).raw().toBuffer({ resolveWithObject: true })
  const at = (Math.floor(info.height * 0.75) * info.width + Math.floor(info.width * 0.75)) * info.channels
  const profile = (await sharp(made).metadata()).icc === undefined ? "no profile" : "a profile"
  console.log(`${format}: ${[...data.subarray(at, at + 3)].join(" ")}, ${profile}`)
}
JS
node look.mjs "$photo" | tee seen.txt
cat >expected.txt <<'TXT'
the HEIC has a profile of 480 bytes
JPEG: 234 51 35, no profile
PNG: 234 51 35, no profile
TXT
diff expected.txt seen.txt
