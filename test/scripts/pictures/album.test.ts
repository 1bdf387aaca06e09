// The pictures of the booking page: each state has files of its own, and the album shows all of them.

import { expect, test } from "bun:test"
import { albumOf } from "#scripts/pictures/album.ts"
import { states } from "#scripts/pictures/states/index.ts"

test("each state has a name of its own, which can be a file's", () => {
  const names = states.map(({ name }) => name)
  expect(names.filter((name, nth) => names.indexOf(name) !== nth)).toEqual([])
  expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([])
})

test("the album shows a state in four looks, with what is wrong in it", () => {
  const album = albumOf([{ name: "day-full", title: "A <full> day", faults: ["phone-dark: cut off: €24"] }])
  expect(album.match(/src="[^"]*"/g)).toEqual([
    'src="day-full-phone-light.png"',
    'src="day-full-phone-dark.png"',
    'src="day-full-desk-light.png"',
    'src="day-full-desk-dark.png"',
  ])
  expect(album).toContain("<h2>A &lt;full&gt; day</h2>")
  expect(album).toContain("<li>phone-dark: cut off: €24</li>")
})
