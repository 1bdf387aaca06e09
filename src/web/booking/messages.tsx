/** The person's messages, and how many of them are unread. */
import { useEffect, useState } from "react"
import { Button } from "react-aria-components"
import type { ListPage, OwnMessage } from "./answers.ts"
import { useClub } from "./club.ts"
import { FaultNote } from "./sheet.tsx"
import { dateOf, dayOf, timeOf } from "./times.ts"
import { useWork } from "./use-work.ts"

interface Inbox extends ListPage<OwnMessage> {
  readonly unread: number
}

export function Messages() {
  const { words, writing, api, own, refreshOwn } = useClub()
  const [inbox, setInbox] = useState<Inbox>()
  const work = useWork()
  useEffect(() => {
    api.get<Inbox>("/v1/me/notifications?limit=20").then(setInbox, () => {})
  }, [api, own])
  const older = () =>
    work.run(async () => {
      const more = await api.get<Inbox>(`/v1/me/notifications?limit=20&after=${encodeURIComponent(inbox?.next ?? "")}`)
      setInbox((now) => ({ ...more, data: [...(now?.data ?? []), ...more.data] }))
    })
  const read = () =>
    work.run(async () => {
      await api.send("POST", "/v1/me/notifications/read", {})
      setInbox(await api.get<Inbox>("/v1/me/notifications?limit=20"))
      await refreshOwn()
    })
  return (
    <>
      <div className="row between">
        <h1 tabIndex={-1}>{words.messages}</h1>
        {(inbox?.unread ?? 0) > 0 && (
          <Button className="quiet" data-busy={work.isBusy || undefined} onPress={read}>
            {words.markRead}
          </Button>
        )}
      </div>
      {inbox?.data.length === 0 && <p className="card note">{words.noMessages}</p>}
      <ul className="list">
        {inbox?.data.map(({ id, title, body, createdAt, readAt }) => (
          <li key={id} className={readAt === null ? "card message new" : "card message"}>
            <h2>{title}</h2>
            <p className="body">{body}</p>
            <p className="help">
              {dayOf(writing, dateOf(writing, createdAt), "short")}, {timeOf(writing, createdAt)}
            </p>
          </li>
        ))}
      </ul>
      <FaultNote says={work.fault} />
      {inbox?.next && (
        <Button className="quiet" data-busy={work.isBusy || undefined} onPress={older}>
          {words.older}
        </Button>
      )}
    </>
  )
}

/** How many messages are unread, read anew whenever something of the person changes. */
export function useUnread(): number {
  const { api, me, own } = useClub()
  const [unread, setUnread] = useState(0)
  useEffect(() => {
    if (me === undefined) return setUnread(0)
    api.get<Inbox>("/v1/me/notifications?limit=1").then(
      (inbox) => setUnread(inbox.unread),
      () => {},
    )
  }, [api, me, own])
  return unread
}
