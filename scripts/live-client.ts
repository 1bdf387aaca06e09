// `npm pack` runs this. It makes `slotbase/live` for whoever runs no TypeScript: one module without imports, and its
// types. A checkout needs none of it, because Bun reads the source.

import { rm } from "node:fs/promises"
import { join } from "node:path"

const project = join(import.meta.dir, "..")
const target = join(project, "dist/live")

await rm(target, { recursive: true, force: true })
const tsc = join(project, "node_modules/typescript/bin/tsc")
const types = Bun.spawn([process.execPath, "--bun", tsc, "-p", "src/web/live"], {
  cwd: project,
  stdout: "inherit",
  stderr: "inherit",
})
await Bun.build({
  entrypoints: [join(project, "src/web/live/client.ts")],
  outdir: target,
  target: "browser",
  format: "esm",
  minify: true,
})
if ((await types.exited) !== 0) throw new Error("the types of the live client could not be made")
// Only these two are reached from the module.
for (const name of ["place", "reconnect", "socket", "stream", "subscription"]) await rm(join(target, `${name}.d.ts`))
