// Where a text stops being JSON: the place agrees with the runtime's parser, which says only whether.

import { expect, test } from "bun:test"
import { jsonFaultPlace } from "#outbound/webhooks/formats/json-fault.ts"

test.each<[string, number, number]>([
  ['{"a": }', 1, 7],
  ['{"a": 1,}', 1, 9],
  ['{"a" 1}', 1, 6],
  ["{a: 1}", 1, 2],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
  ["[1, 2", 1, 6],
  ["[1 2]", 1, 4],
  ["[1}", 1, 3],
  ["[,]", 1, 2],
  ['{"a": "b', 1, 7],
  ['"tab\t"', 1, 1],
  ['"\\x"', 1, 1],
  ["01", 1, 2],
  ["+1", 1, 1],
  ["tru", 1, 1],
  ["1 2", 1, 3],
  ["{} }", 1, 4],
  ["", 1, 1],
  ["\n\n", 3, 1],
])("%p", (text, line, column) => {
  expect(() => JSON.parse(text)).toThrow()
  expect(jsonFaultPlace(text)).toEqual({ line, column })
})

test.each(['{"a": [1, -2.5e3, null, true, {"b": "\\u00e4 \u007f 🎾"}], "c": {}}', " [] ", '"x"', "0"])(
  "%p is JSON to its end",
  (text) => {
    JSON.parse(text)
    expect(jsonFaultPlace(text)).toEqual({ line: 1, column: text.length + 1 })
  },
)
