/**
 * Joining the club with the account that one has. One press, and the page goes on where it was.
 * And the button of a sheet that only members press: others sign in or join first.
 */
import { Button } from "react-aria-components"
import type { Me } from "./answers.ts"
import { isMember, useClub } from "./club.ts"
import { FaultNote } from "./sheet.tsx"
import { useWork } from "./use-work.ts"

export interface MemberButtonProps {
  readonly label: string
  readonly work: Pick<ReturnType<typeof useWork>, "isBusy" | "fault">
  readonly onSignIn: () => void
  readonly onPress: () => void
}

export function MemberButton({ label, work: { isBusy, fault }, onSignIn, onPress }: MemberButtonProps) {
  const { facts, me } = useClub()
  if (me !== undefined && !isMember(me, facts.facility)) return <JoinClub hasFocus />
  return (
    <>
      <FaultNote says={fault} />
      <Button className="go" autoFocus data-busy={isBusy || undefined} onPress={me === undefined ? onSignIn : onPress}>
        {label}
      </Button>
    </>
  )
}

/** @param hasFocus in a sheet, which takes the focus anyway */
export function JoinClub({ hasFocus = false }: { readonly hasFocus?: boolean }) {
  const { facts, words, api, setMe, say, tell } = useClub()
  const { id: facilityId, name } = facts.facility
  const { isBusy, fault, run } = useWork()
  const join = () =>
    run(async () => {
      await api.send("POST", "/v1/me/memberships", { facilityId })
      setMe(await api.get<Me>("/v1/me"))
      if (hasFocus) say(words.joined(name))
      else tell(words.joined(name))
    })
  return (
    <div className="form">
      <p>
        <strong>{words.joinTitle(name)}</strong>
      </p>
      <p>{words.joinText}</p>
      <FaultNote says={fault} />
      <Button className="go" autoFocus={hasFocus} data-busy={isBusy || undefined} onPress={join}>
        {words.join(name)}
      </Button>
    </div>
  )
}
