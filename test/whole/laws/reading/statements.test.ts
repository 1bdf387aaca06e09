// Statements in tagged templates, with the fragments in their holes, cut into their selects.

import { expect, test } from "bun:test"
import { selectsOf, statementsOf } from "./statements.ts"

test("a statement has its fragments in their places, and the names in its other holes", () => {
  const text =
    "const a = db`select ${one} ${two()} ${x ? db`and a = ${caller.userId}` : db`and b`} end`\n" +
    "const text = `select ${not(db)}`; db<Row[]>`delete ${`plain ${text}`}`"
  expect(statementsOf(text)).toEqual(["select ${one} ${} and a = ${caller.userId} and b end", "delete ${}"])
})

test("each select has its own text, the words before it, and the select around it", () => {
  const selects = selectsOf(
    "with m as (select 1) select f(a, (b)) from m where c in (select d where exists (select e))",
  )
  expect(selects.map(({ own }) => own)).toEqual([
    "with m as (#) select f(a, (b)) from m where c in (#)",
    "select 1",
    "select d where exists (#)",
    "select e",
  ])
  expect(selects.map(({ parent }) => parent && selects.indexOf(parent))).toEqual([undefined, 0, 0, 2])
  expect(selects[2]?.whole).toBe("select d where exists (select e)")
  expect(selects[2]?.before).toEndWith(" where c in ")
})
