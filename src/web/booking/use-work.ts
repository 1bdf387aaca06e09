/**
 * One piece of work at a time, with its fault: a second press while the first is under way does nothing. A button shows
 * `data-busy`. React Aria writes its own `data-pending`, and its `isPending` leaves an image without a name to axe.
 */
import { useRef, useState } from "react"
import { faultWords, useClub } from "./club.ts"

export function useWork() {
  const club = useClub()
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<string>()
  const busy = useRef(false)
  const run = async (work: () => Promise<void>): Promise<void> => {
    if (busy.current) return
    busy.current = true
    setBusy(true)
    setFault(undefined)
    try {
      await work()
    } catch (error) {
      setFault(faultWords(club, error))
    } finally {
      busy.current = false
      setBusy(false)
    }
  }
  return { isBusy, fault, setFault, run }
}
