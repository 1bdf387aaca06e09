/**
 * The element that has the focus may leave the page. Browsers then put the focus on the whole document, and a reader by
 * keyboard begins at the top again. Here the heading of the view gets it instead.
 */
import { useEffect } from "react"

export function useKeptFocus(): void {
  useEffect(() => {
    let last: Element | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const note = ({ target }: FocusEvent) => {
      last = target instanceof Element ? target : undefined
    }
    const look = () => {
      if (last === undefined || last.isConnected || document.activeElement !== document.body) return
      last = undefined
      document.querySelector<HTMLElement>("main h1")?.focus()
    }
    const observer = new MutationObserver(() => {
      if (last === undefined || last.isConnected) return
      clearTimeout(timer)
      timer = setTimeout(look, restoredMs)
    })
    observer.observe(document.body, { childList: true, subtree: true })
    document.addEventListener("focusin", note)
    return () => {
      observer.disconnect()
      clearTimeout(timer)
      document.removeEventListener("focusin", note)
    }
  }, [])
}

/** A sheet that closes gives the focus back by itself, in the next frame. */
const restoredMs = 100
