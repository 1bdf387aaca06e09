// A task that takes memory without end, in pieces that it also fills.

const pieceBytes = 16 * 1024 * 1024

export default ({ kind = "bytes" }: { readonly kind?: "bytes" | "objects" }) => {
  const kept: unknown[] = []
  for (;;)
    kept.push(kind === "bytes" ? new Uint8Array(pieceBytes).fill(1) : { at: [Math.random(), String(kept.length)] })
}
