/**
 * The log is written in one place. A line written elsewhere has no level, no share that bounds it, and no protection
 * against a text that forges lines. The commands of the command line and the banner of the start speak to people. One
 * command is actors/shadow/main.ts.
 */

import { type Law, product } from "./law.ts"
import { codeOf } from "./reading/typescript.ts"

const places = /^src\/(base\/log\.ts$|cli\/|demo\/banner\.ts$)|^actors\/shadow\/main\.ts$/
const writes = /\bconsole\s*(\.|\[|\?\.)|\bprocess\s*\.\s*(stdout|stderr)\b|\bBun\s*\.\s*(stdout|stderr)\b/

export const oneLogLaw: Law = {
  name: "lines are written by src/base/log.ts; src/cli and the banner speak to people",
  reads: [product],
  check: (sources) =>
    sources
      .filter(({ path }) => !places.test(path))
      .flatMap(({ path, text }) => {
        const found = writes.exec(codeOf(text))?.[0]
        return found === undefined ? [] : [{ file: path, says: `writes by ${found.replace(/\W+$/, "")}` }]
      }),
  broken: [
    {
      tree: {
        "src/main.ts": 'console.log("ready")',
        "src/http/a.ts": 'console["error"](1)',
        "src/demo/b.ts": "process.stderr.write(line)",
        "actors/c.ts": "await Bun.write(Bun.stdout, line)",
      },
      says: [
        "src/main.ts writes by console",
        "src/http/a.ts writes by console",
        "src/demo/b.ts writes by process.stderr",
        "actors/c.ts writes by Bun.stdout",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/log.ts": "console.error(line)",
        "src/cli/doctor.ts": "console.log(line)",
        "src/demo/banner.ts": "console.log(text)",
        "actors/a.ts": '// console.log(1)\nlog.info("console.log(1)")\nconst consoles = 1',
      },
    },
  ],
}
