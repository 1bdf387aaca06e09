/** In a frame, tells the site around it how high the page is. The message holds a number and nothing else. */
export function sendSize(): void {
  if (window.parent === window) return
  let last = 0
  const tell = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height)
    if (height === last) return
    last = height
    window.parent.postMessage({ type: "slotbase:size", height }, "*")
  }
  new ResizeObserver(tell).observe(document.body)
  tell()
}
