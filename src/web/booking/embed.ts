/**
 * The script of an embedding site: one line of HTML puts the booking page, or a single court's day, into a club's own
 * site. The frame is as high as its content, which the page in the frame says.
 *   <script async src="https://book.example/f/embed.js" data-facility="…" data-court="…"></script>
 */
const script = document.currentScript
if (script instanceof HTMLScriptElement) embed(script)

function embed(at: HTMLScriptElement): void {
  const { facility = "", court, lang, title = "Booking" } = at.dataset
  const page = new URL(`/f/${encodeURIComponent(facility)}`, at.src)
  page.searchParams.set("embed", "1")
  if (court !== undefined) page.searchParams.set("court", court)
  if (lang !== undefined) page.searchParams.set("lang", lang)
  const frame = document.createElement("iframe")
  frame.src = page.href
  frame.title = title
  frame.allow = "payment"
  frame.style.cssText = "display:block;width:100%;border:0;height:640px"
  addEventListener("message", ({ source, origin, data }: MessageEvent) => {
    if (source !== frame.contentWindow || origin !== page.origin || data?.type !== "slotbase:size") return
    const height = Number(data.height)
    // A page of a hundred courts is some thousands of pixels high.
    if (height > 0 && height < 20_000) frame.style.height = `${Math.ceil(height)}px`
  })
  at.after(frame)
}
