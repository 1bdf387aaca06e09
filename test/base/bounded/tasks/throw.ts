// A task that throws.

export default () => {
  throw new Error("not a file of mine")
}
