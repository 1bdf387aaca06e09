/** The view of the page is a place in the history of the browser: back leads to the one before, a reload stays. */
import { useCallback, useEffect, useState } from "react"

export type PageView = "day" | "mine" | "messages" | "account"
export const views: readonly PageView[] = ["day", "mine", "messages", "account"]

/** A push message opens the page at #messages. */
const viewInAddress = (): PageView => views.find((view) => location.hash === `#${view}`) ?? "day"

/** @param onLeft the browser has gone to another view: what lies over the page is closed */
export function useView(onLeft: () => void): [PageView, (view: PageView) => void] {
  const [view, setView] = useState<PageView>(viewInAddress)
  useEffect(() => {
    const look = () => {
      setView(viewInAddress())
      onLeft()
    }
    // Of another place in the history, and of a link to a part of the page.
    addEventListener("popstate", look)
    return () => removeEventListener("popstate", look)
  }, [])
  const go = useCallback((wanted: PageView) => {
    if (wanted !== viewInAddress()) {
      const address = new URL(location.href)
      address.hash = wanted === "day" ? "" : wanted
      history.pushState(null, "", address)
    }
    setView(wanted)
  }, [])
  return [view, go]
}
