/**
 * The laws of this code, in one list. To add one:
 *
 * 1. Write a `Law` (see `law.ts`) in a file of this folder: its sentence, the files that it reads, and its function.
 * 2. Give it the smallest trees that break it, with the messages, and one that keeps it. Add look-alikes to that one.
 * 3. Name it in this list. `laws.test.ts` runs it over the project, over its trees, and over nothing.
 *
 * An exception needs a reason, and fails as soon as it is not needed. The places of folders are in `layout.ts`.
 */

import { parsersLaw, tasksLaw } from "./children.ts"
import { eventsLaw } from "./events.ts"
import { fileLengthLaw, noSleepingLaw, openingLaw } from "./files.ts"
import { browserLaw, floorsLaw } from "./floors.ts"
import type { Law } from "./law.ts"
import { effectLaw, elysiaLaw, pgBossLaw } from "./libraries.ts"
import { mirrorLaw } from "./mirror.ts"
import { exportedOnceLaw, subpathsLaw } from "./names.ts"
import { noCirclesLaw } from "./no-circles.ts"
import { oneGuardLaw } from "./one-guard.ts"
import { oneLogLaw } from "./one-log.ts"
import { commentWidthLaw, sentenceLengthLaw } from "./prose.ts"
import { supervisedLaw } from "./supervised.ts"
import { oneWriterLaw, writesLineLaw } from "./tables.ts"
import { tenancyLaw } from "./tenancy.ts"
import { zonesLaw } from "./zones.ts"

export const laws: readonly Law[] = [
  floorsLaw,
  noCirclesLaw,
  browserLaw,
  mirrorLaw,
  elysiaLaw,
  pgBossLaw,
  parsersLaw,
  tasksLaw,
  effectLaw,
  writesLineLaw,
  oneWriterLaw,
  tenancyLaw,
  eventsLaw,
  exportedOnceLaw,
  subpathsLaw,
  fileLengthLaw,
  openingLaw,
  noSleepingLaw,
  supervisedLaw,
  commentWidthLaw,
  sentenceLengthLaw,
  oneLogLaw,
  oneGuardLaw,
  zonesLaw,
]
