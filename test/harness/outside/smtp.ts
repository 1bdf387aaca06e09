// A real SMTP server on the loopback. It keeps the mail that it receives, and refuses the recipients that the test
// names.

import type { AddressInfo } from "node:net"
import { type ParsedMail, simpleParser } from "mailparser"
import { SMTPServer } from "smtp-server"

export interface SmtpReceiver {
  url: string
  /** In order of arrival. */
  mails: (ParsedMail & { recipients: string[]; raw: string })[]
  /** The server's answer to an address, such as [550, "5.1.1 No such user"]; undefined takes the mail. */
  refuse: (address: string) => [code: number, text: string] | undefined
  /** The server's answer to the sender. */
  refuseSender: () => [code: number, text: string] | undefined
  /** How often each address was offered. */
  offered: string[]
  /** The server's answer to a whole mail. */
  refuseMail: () => [code: number, text: string] | undefined
  /** The server answers mails once this promise resolves. */
  hold: Promise<void> | undefined
  close(): Promise<void>
}

export async function smtpReceiver(): Promise<SmtpReceiver> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 500,
    onMailFrom(_address, _session, answer) {
      answer(refusal(receiver.refuseSender()))
    },
    onRcptTo(address, _session, answer) {
      receiver.offered.push(address.address)
      answer(refusal(receiver.refuse(address.address)))
    },
    onData(stream, session, answer) {
      void (async () => {
        const chunks: Buffer[] = []
        for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
        await receiver.hold
        const refused = receiver.refuseMail()
        if (refused) return answer(refusal(refused))
        const raw = Buffer.concat(chunks)
        const recipients = session.envelope.rcptTo.map((each) => each.address)
        receiver.mails.push({ ...(await simpleParser(raw)), recipients, raw: raw.toString("utf8") })
        answer(null)
      })().catch(() => {}) // the sender was killed while it sent a mail
    },
  })
  server.on("error", () => {})
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const receiver: SmtpReceiver = {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails: [],
    offered: [],
    refuse: () => undefined,
    refuseSender: () => undefined,
    refuseMail: () => undefined,
    hold: undefined,
    close: () => new Promise((closed) => server.close(() => closed())),
  }
  return receiver
}

function refusal(answer: [code: number, text: string] | undefined): Error | null {
  return answer ? Object.assign(new Error(answer[1]), { responseCode: answer[0] }) : null
}
