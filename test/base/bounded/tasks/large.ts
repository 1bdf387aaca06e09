// A task whose answer is larger than an answer may be.

export default () => "x".repeat(5 * 1024 * 1024)
