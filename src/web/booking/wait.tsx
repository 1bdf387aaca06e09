/** The waitlist of a taken time. */
import { useState } from "react"
import { Button } from "react-aria-components"
import { isMember, useClub } from "./club.ts"
import type { Chosen } from "./grid.tsx"
import { FaultNote } from "./sheet.tsx"
import { SignInForm } from "./sign-in.tsx"
import { useWork } from "./use-work.ts"

export function JoinWaitlist({ chosen, onClose }: { readonly chosen: Chosen; readonly onClose: () => void }) {
  const { facts, words, api, me, refreshOwn } = useClub()
  const [isSigning, setSigning] = useState(false)
  const [isDone, setDone] = useState(false)
  const work = useWork()
  const { court, slot } = chosen
  const join = () =>
    work.run(async () => {
      await api.send("POST", "…/waitlist", { resourceId: court.resourceId, startAt: slot.startAt, endAt: slot.endAt })
      setDone(true)
      await refreshOwn()
    })
  if (me === undefined && isSigning) return <SignInForm onDone={() => setSigning(false)} />
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
  const isStranger = me !== undefined && !isMember(me, facts.facility.id)
  return (
    <div className="form">
      <p>{words.waitText}</p>
      {isStranger && <p className="fault">{words.notMember}</p>}
      <FaultNote says={work.fault} />
      <Button
        className="go"
        autoFocus
        isDisabled={isStranger}
        data-pending={work.isBusy || undefined}
        onPress={() => (me === undefined ? setSigning(true) : join())}
      >
        {words.waitGo}
      </Button>
    </div>
  )
}
