/** The check of "slotbase doctor" for ffmpeg, and for the files that wait for somebody to install it. */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { findFfmpeg, howToInstallFfmpeg } from "#domain/media/processing/ffmpeg.ts"
import type { Check } from "#operations/doctor.ts"

/** It looks on this machine. The machine of the actors may be another one, so what failed for want of it counts too. */
export const ffmpegOf =
  ({ ffmpeg }: Pick<Config, "ffmpeg">) =>
  async (db: Db): Promise<Check> => {
    const name = "ffmpeg"
    const [row] = await db<[{ failed: number }]>`
      select count(*) as failed from slotbase.media_processing where state = 'failed' and reason_code = 'ffmpeg_missing'`
    const found = findFfmpeg(ffmpeg)
    if (found === undefined) {
      return { name, well: false, says: `no video or recording is processed: ${howToInstallFfmpeg}` }
    }
    return row.failed === 0
      ? { name, well: true, says: found.ffmpeg }
      : {
          name,
          well: false,
          says: `${row.failed} files failed before it was there: reprocess the dead letters of MediaProcessingHandler`,
        }
  }
