// A process that works on media, started as `bun run-media.ts <database> <data folder> <ffmpeg> <crash point>`. It
// works until it kills itself there. Without a crash point it works until somebody ends it.

import { mediaProcessingHandler } from "#actors/handlers/media-processing.ts"
import { processMediaActor } from "#actors/media/process-media.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { arm, type CrashPoint } from "#base/crash-points.ts"
import { connect } from "#base/database/db.ts"
import { findFfmpeg } from "#domain/media/processing/ffmpeg.ts"
import { testApp } from "#test/harness/setup/app.ts"

const [url = "", dataDir = "", ffmpeg, point] = process.argv.slice(2)
const db = connect(url, { max: 5, applicationName: "slotbase test media" })
const tools = { ...testApp(db, { dataDir }), ffmpeg: findFfmpeg(ffmpeg) }
const lifeSign = await startLifeSign(db, "actors", "test")
const never = new AbortController().signal
const actors = [runHandler(tools, mediaProcessingHandler(), lifeSign), processMediaActor(tools, lifeSign)].map(
  (actor) => prepareActor(actor, never),
)
if (point !== undefined) arm([{ point: point as CrashPoint, nth: 1 }])
for (;;) {
  for (const actor of actors) await actor.passNow()
  await Bun.sleep(20)
}
