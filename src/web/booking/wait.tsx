/** The waitlist of a taken time. */
import { useState } from "react"
import { Button } from "react-aria-components"
import { Refused } from "./api.ts"
import { useClub } from "./club.ts"
import type { Chosen } from "./grid.tsx"
import { MemberButton } from "./join.tsx"
import { SignInForm } from "./sign-in.tsx"
import { useWork } from "./use-work.ts"

export interface JoinWaitlistProps {
  readonly chosen: Chosen
  readonly onClose: () => void
  readonly onMine: () => void
  /** The time is free: it can be booked. */
  readonly onFree: () => void
}

export function JoinWaitlist({ chosen, onClose, onMine, onFree }: JoinWaitlistProps) {
  const { words, api, me, wishes, refreshOwn } = useClub()
  const [isSigning, setSigning] = useState(false)
  const [isDone, setDone] = useState(false)
  const work = useWork()
  const { court, slot } = chosen
  const join = () =>
    work.run(async () => {
      const wish = { resourceId: court.resourceId, startAt: slot.startAt, endAt: slot.endAt }
      try {
        await api.send("POST", "…/waitlist", wish)
        setDone(true)
        await refreshOwn()
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        if (error.code === "slot_is_free") onFree()
        else if (error.code === "already_waiting") await refreshOwn()
        else throw error
      }
    })
  if (me === undefined && isSigning) return <SignInForm onDone={() => setSigning(false)} />
  const isWaiting = wishes.some((wish) => wish.resourceId === court.resourceId && wish.startAt === slot.startAt)
  if (isWaiting && !isDone)
    return (
      <div className="form">
        <p role="status">{words.waitAlready}</p>
        <Button
          className="go"
          autoFocus
          onPress={() => {
            onMine()
            onClose()
          }}
        >
          {words.toMine}
        </Button>
      </div>
    )
  if (isDone)
    return (
      <div className="form ending">
        <p className="bigicon" aria-hidden="true">
          ✓
        </p>
        <p role="status">{words.waitDone}</p>
        <Button className="go" autoFocus onPress={onClose}>
          {words.close}
        </Button>
      </div>
    )
  return (
    <div className="form">
      <p>{words.waitText}</p>
      <MemberButton label={words.waitGo} work={work} onSignIn={() => setSigning(true)} onPress={join} />
    </div>
  )
}
