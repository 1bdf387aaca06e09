/** The entry of the booking page in the browser: takes over the table that the server has sent. */
import { createRoot } from "react-dom/client"
import { BookingApp } from "./app.tsx"
import type { PageFacts } from "./facts.ts"
import { sendSize } from "./size.ts"

const [root, given] = [document.getElementById("page"), document.getElementById("facts")]
if (root && given) {
  const facts = JSON.parse(given.textContent ?? "") as PageFacts
  const skew = facts.now - Date.now()
  createRoot(root).render(<BookingApp facts={facts} skew={skew} />)
  if (facts.isEmbedded) sendSize()
}
