/** The live region of the page: what has changed is spoken when the reader pauses, and never moves the focus. */
import { useCallback, useState } from "react"

export function useSpeech() {
  const [said, setSaid] = useState({ text: "", nth: 0 })
  const say = useCallback((text: string) => setSaid(({ nth }) => ({ text, nth: nth + 1 })), [])
  // The same words again are another node, so that they are spoken again.
  const region = (
    <div className="unseen" aria-live="polite" data-spoken="">
      <span key={said.nth}>{said.text}</span>
    </div>
  )
  return { say, region }
}
