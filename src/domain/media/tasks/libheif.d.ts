/** The part of the package libheif-js that is used. Its own types are those of the bare module in WebAssembly. */
declare module "libheif-js/wasm-bundle.js" {
  interface Picture {
    readonly data: Uint8ClampedArray
    readonly width: number
    readonly height: number
  }
  interface HeifImage {
    get_width(): number
    get_height(): number
    is_primary(): boolean | number
    /** Calls back with the picture, whose points it has filled in; with null, when they cannot be decoded. */
    display(picture: Picture, done: (picture: Picture | null) => void): void
  }
  const libheif: { readonly HeifDecoder: new () => { decode(file: Uint8Array): HeifImage[] } }
  export default libheif
}
