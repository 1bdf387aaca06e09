#!/usr/bin/env bash
# mt940-js 1.0.0 (it needs tslib, and does not name it) and @centrapay/swift-parser 1.0.1. Node 20 or later.
#
# Question: a club's bank statement (MT940) covers the turn of the year. A line 61 has a value date with its year, and
# an entry date of month and day alone (subfield 2). Some lines are reversals (subfield 3: RC, RD). What do readers make
# of an entry of 4 January with the value date 31 December 2026, and of a payment that the bank took back (RC)?
# Guess before the run: the entry date is in the year that is nearest to the value date. Nothing was guessed about RC:
# by its name it is money that left.
# Seen: both readers give the entry date the year of the value date. So 4 January 2027 is 4 January 2026, before the
# opening balance, and 31 December 2026 is 31 December 2027, in the future.
# mt940-js calls a reversed credit a credit (isCredit true), with no other field that tells the two lines apart. The
# entries of its statement then miss the closing balance by 70.00. swift-parser has the sign right and says isReversal.
# A booking system that marks invoices as paid by such a reader takes a payment that bounced for a second payment.
#
# Output seen:
#                    booked on 4 January  booked on 31 December  reversed credit of 40  reversed debit of 5  sum
#   the bank         2027-01-04           2026-12-31             -40                    +5                   1025.50
#   mt940-js         2026-01-04           2027-12-31             +40                    -5                   1095.50
#   swift-parser     2026-01-04           2027-12-31             -40                    +5                   1025.50
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund mt940-js@1.0.0 tslib@2.9.1 @centrapay/swift-parser@1.0.1

cat >statement.mjs <<'JS'
import { parse } from "@centrapay/swift-parser"
import { read } from "mt940-js"

const statement = `:20:STATEMENT
:25:10020030/1234567
:28C:00001/001
:60F:C261230EUR1000,00
:61:2612310104CR25,50NTRFNONREF
:61:2701021231DR5,00NTRFNONREF
:61:2612301230CR40,00NTRFNONREF
:61:2612301230RCR40,00NTRFNONREF
:61:2612301230RDR5,00NTRFNONREF
:62F:C270104EUR1025,50
`.replaceAll("\n", "\r\n")
const entries = {
  "the bank": [
    ["2027-01-04", 25.5],
    ["2026-12-31", -5],
    ["2026-12-30", 40],
    ["2026-12-30", -40],
    ["2026-12-30", 5],
  ],
  "mt940-js": (await read(Buffer.from(statement)))[0].transactions.map(({ entryDate, isCredit, amount }) => [
    entryDate,
    isCredit ? amount : -amount,
  ]),
  "swift-parser": parse({ type: "mt940", data: statement })[0].transactions.map(({ entryDate, amount }) => [
    entryDate.toISOString().slice(0, 10),
    Number(amount),
  ]),
}

const signed = (amount) => (amount > 0 ? `+${amount}` : `${amount}`)
const row = (...cells) => cells.map((cell, index) => cell.padEnd([15, 19, 21, 21, 19, 0][index])).join("  ")
const heads = ["booked on 4 January", "booked on 31 December", "reversed credit of 40", "reversed debit of 5", "sum"]
console.log(row("", ...heads))
for (const [name, lines] of Object.entries(entries)) {
  const [january, december, , credit, debit] = lines
  const sum = lines.reduce((total, [, amount]) => total + amount, 1000).toFixed(2)
  console.log(row(name, january[0], december[0], signed(credit[1]), signed(debit[1]), sum))
}
JS
node statement.mjs | tee seen.txt
cat >expected.txt <<'TXT'
                 booked on 4 January  booked on 31 December  reversed credit of 40  reversed debit of 5  sum
the bank         2027-01-04           2026-12-31             -40                    +5                   1025.50
mt940-js         2026-01-04           2027-12-31             +40                    -5                   1095.50
swift-parser     2026-01-04           2027-12-31             -40                    +5                   1025.50
TXT
diff --ignore-trailing-space expected.txt seen.txt && echo "unchanged: a year off, and a reversal that is income"
