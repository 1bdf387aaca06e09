/** Joining the club with the account that one has. One press, and the page goes on where it was. */
import { Button } from "react-aria-components"
import type { Me } from "./answers.ts"
import { useClub } from "./club.ts"
import { FaultNote } from "./sheet.tsx"
import { useWork } from "./use-work.ts"

/** @param hasFocus in a sheet, which takes the focus anyway */
export function JoinClub({ hasFocus = false }: { readonly hasFocus?: boolean }) {
  const { facts, words, api, setMe, say } = useClub()
  const { id: facilityId, name } = facts.facility
  const { isBusy, fault, run } = useWork()
  const join = () =>
    run(async () => {
      await api.send("POST", "/v1/me/memberships", { facilityId })
      setMe(await api.get<Me>("/v1/me"))
      say(words.joined(name))
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
