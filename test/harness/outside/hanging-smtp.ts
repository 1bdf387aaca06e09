// An SMTP server that hangs at one step of the dialogue, as long as it is told to. It keeps the first line of each mail
// whose end it has read, whether it answers or not.

import type { Socket } from "bun"

export const smtpSteps = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "content"] as const
export type SmtpStep = (typeof smtpSteps)[number]

export interface HangingSmtp {
  readonly url: string
  /** The step at which it hangs; undefined: at none. */
  hangsAt: SmtpStep | undefined
  /** The Message-ID of each mail that has arrived whole. */
  readonly mails: string[]
  /** Resolves when a client has come to the step at which it hangs. */
  readonly reached: () => Promise<void>
  readonly stop: () => void
}

interface Session {
  content: string | undefined
}

/** @param limits of the client, as parameters of the address */
export function hangingSmtp(limits = ""): HangingSmtp {
  let reached = Promise.withResolvers<void>()
  const say = (socket: Socket<Session>, step: SmtpStep | "other", line: string) => {
    if (step !== smtp.hangsAt) return void socket.write(`${line}\r\n`)
    reached.resolve()
    reached = Promise.withResolvers()
  }
  const server = Bun.listen<Session>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { content: undefined }
        say(socket, "greeting", "220 hello")
      },
      data(socket, bytes) {
        const said = bytes.toString()
        if (socket.data.content === undefined) {
          const step = smtpSteps.find((each) => said.startsWith(each)) ?? "other"
          if (step === "DATA" && smtp.hangsAt !== "DATA") socket.data.content = ""
          say(socket, step, step === "DATA" ? "354 go on" : "250 ok")
          return
        }
        socket.data.content += said
        if (!socket.data.content.endsWith("\r\n.\r\n")) return
        smtp.mails.push(/^Message-ID: <([^@>]+)/im.exec(socket.data.content)?.[1] ?? "none")
        socket.data.content = undefined
        say(socket, "content", "250 taken")
      },
    },
  })
  const smtp: HangingSmtp = {
    url: `smtp://127.0.0.1:${server.port}${limits}`,
    hangsAt: undefined,
    mails: [],
    reached: () => reached.promise,
    stop: () => server.stop(true),
  }
  return smtp
}
