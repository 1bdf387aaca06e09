/** A file's test is found without a search: test/ has the folders of src/ and actors/, and four of its own. */

import { type Law, typescript, type Violation } from "./law.ts"

const own = /^test\/(harness|scripts|sql|whole)\//

export const mirrorLaw: Law = {
  name: "test/ has the folders of src/ and actors/",
  reads: [typescript],
  check: (sources) => {
    const known = new Set(sources.flatMap(({ path }) => foldersOf(path)))
    return sources
      .filter(({ path }) => path.startsWith("test/") && !own.test(path))
      .flatMap(({ path }): Violation[] => {
        // Below the two outermost folders, tests divide as they like.
        const folder = foldersOf(path.slice("test/".length)).slice(0, 2).at(-1)
        if (folder === undefined) return [{ file: path, says: "stands in no folder" }]
        if (known.has(`src/${folder}`) || (folder.startsWith("actors") && known.has(folder))) return []
        return [{ file: path, says: `tests a folder that is not there: ${folder}` }]
      })
  },
  broken: [
    {
      tree: {
        "src/domain/booking/book.ts": "",
        "actors/runs/claim.ts": "",
        "test/domain/bookings/book.test.ts": "",
        "test/runs/claim.test.ts": "",
        "test/actors/claims/claim.test.ts": "",
        "test/book.test.ts": "",
      },
      says: [
        "test/domain/bookings/book.test.ts tests a folder that is not there: domain/bookings",
        "test/runs/claim.test.ts tests a folder that is not there: runs",
        "test/actors/claims/claim.test.ts tests a folder that is not there: actors/claims",
        "test/book.test.ts stands in no folder",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/domain/booking/book.ts": "",
        "src/base/egress/fetch.ts": "",
        "actors/runs/claim.ts": "",
        "test/domain/booking/book/twice.test.ts": "",
        "test/base/clock.test.ts": "",
        "test/actors/runs/claim.test.ts": "",
        "test/actors/actors.test.ts": "",
        "test/harness/club/open.ts": "",
        "test/sql/views.test.ts": "",
      },
    },
  ],
}

/** All folders around a file, the outermost first. */
function foldersOf(path: string): string[] {
  const names = path.split("/").slice(0, -1)
  return names.map((_, index) => names.slice(0, index + 1).join("/"))
}
