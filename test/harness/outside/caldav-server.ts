// Real CalDAV servers of Debian, on the loopback, each with a folder of its own: Radicale and Xandikos. As root they
// are installed when they are missing.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort } from "#test/harness/setup/system.ts"

export type CalDavProgram = "radicale" | "xandikos"

export interface CalDavServer {
  /** The address of a new calendar. */
  readonly calendar: (name?: string) => Promise<string>
  /** What stands in a calendar: the texts by their addresses. */
  readonly texts: (calendar: string) => Promise<Map<string, string>>
  readonly put: (calendar: string, name: string, text: string) => Promise<void>
  readonly remove: (address: string) => Promise<void>
  /** Radicale only: the folder of a calendar, into which a bench writes many events at once. */
  readonly folderOf: (calendar: string) => string
  readonly username: string
  readonly password: string
  /** The server is away; `start` brings it back with all that it had. */
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** Ends it and removes its folder. */
  readonly close: () => Promise<void>
}

export async function calDavServer(program: CalDavProgram): Promise<CalDavServer> {
  install(program)
  const folder = await mkdtemp(join(tmpdir(), `slotbase-${program}-`))
  const port = await freePort()
  const [username, password] = ["jonas", "a password"]
  const base = `http://127.0.0.1:${port}`
  const headers = { authorization: `Basic ${btoa(`${username}:${password}`)}` }
  const users = join(folder, "users")
  await writeFile(users, `${username}:${password}\n`)
  await mkdir(join(folder, "data"))
  let child: Bun.Subprocess | undefined
  let calendars = 0

  async function start(): Promise<void> {
    child = Bun.spawn(commandOf(program, { folder, port, users }), {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    })
    await eventually(() => fetch(base, { headers }).then(() => {}), { withinMs: 20_000 })
  }
  async function stop(): Promise<void> {
    child?.kill("SIGTERM")
    await child?.exited
  }
  async function ask(method: string, address: string, body?: string, more: Record<string, string> = {}) {
    const answer = await fetch(address, {
      method,
      headers: { ...headers, ...more },
      ...(body !== undefined && { body }),
    })
    if (answer.status >= 300) throw new Error(`${method} ${address}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  await start()
  // Where a program looks for the calendars of an account.
  const home = program === "xandikos" ? `${base}/${username}/calendars` : `${base}/${username}`
  return {
    username,
    password,
    async calendar(name = `calendar-${++calendars}`) {
      const address = `${home}/${name}/`
      await ask("MKCALENDAR", address)
      return address
    },
    async texts(calendar) {
      const listing = await (await ask("PROPFIND", calendar, undefined, { depth: "1" })).text()
      const hrefs = [...listing.matchAll(/<(?:\w+:)?href>([^<]+)<\/(?:\w+:)?href>/g)].map(([, href = ""]) => href)
      const addresses = hrefs.map((href) => new URL(href, calendar).href).filter((each) => each.endsWith(".ics"))
      const texts = await Promise.all(
        addresses.map(async (address) => [address, await (await ask("GET", address)).text()] as const),
      )
      return new Map(texts.sort(([a], [b]) => a.localeCompare(b)))
    },
    put: async (calendar, name, text) => {
      await ask("PUT", new URL(name, calendar).href, text, { "content-type": "text/calendar" })
    },
    remove: async (address) => {
      await ask("DELETE", address)
    },
    folderOf: (calendar) => join(folder, "data/collection-root", new URL(calendar).pathname),
    stop,
    start,
    async close() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function commandOf(
  program: CalDavProgram,
  { folder, port, users }: { folder: string; port: number; users: string },
): string[] {
  const data = join(folder, "data")
  if (program === "xandikos")
    return [
      "xandikos",
      "-d",
      data,
      "--listen-address",
      "127.0.0.1",
      "--port",
      String(port),
      "--autocreate",
      "--current-user-principal",
      "/jonas/",
    ]
  return [
    "radicale",
    ...["--config", ""],
    ...["--server-hosts", `127.0.0.1:${port}`],
    ...["--auth-type", "htpasswd", "--auth-htpasswd-filename", users, "--auth-htpasswd-encryption", "plain"],
    ...["--auth-delay", "0"],
    ...["--storage-filesystem-folder", data],
    ...["--logging-level", "error"],
  ]
}

function install(program: CalDavProgram): void {
  if (Bun.which(program)) return
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  if (Bun.which("apt-get") && process.getuid?.() === 0)
    Bun.spawnSync(["apt-get", "install", "-y", "--no-install-recommends", program], { env, stdout: "ignore" })
  if (!Bun.which(program))
    throw new Error(`${program} is missing: install it as root, such as by: apt-get install ${program}`)
}
