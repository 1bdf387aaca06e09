#!/usr/bin/env bash
# iso20022.js 0.0.15, with the XML parser that it bundles. Node 20 or later.
#
# Question: a club reads its bank statement (camt.053) to mark invoices as paid. What does it get for amounts "in minor
# units", for references of digits, and for a payment that the bank took back (64.10, RvslInd true)?
# ISO 20022 says: RmtInf/Ustrd is Max140Text and OrgnlEndToEndId is Max35Text, so both are texts. RvslInd is a
# TrueFalseIndicator.
# Guess before the run: references keep their zeros and all their digits, and the reversal is told. (Its source says of
# codes and entry references that they must not become numbers.) Nothing was guessed about the cents.
# Seen: the parser turns what looks like a number into one. "000042" is 42, the 27 digits of a Swiss bill are 2.1e+26,
# "2026.10" is 2026.1 and "0x1F" is 31. `true` becomes a boolean and is compared with the text "true", so no entry of
# any statement is a reversal. Cents are the amount times 100 in floating point: 1998.9999999999998 for 19.99.
# So an invoice paid with its exact reference and amount is found by neither, and a payment that went back looks kept.
#
# Output seen (R: reversed):
#   amount  reference                    cents               reference read           reversal
#   19.99   Invoice 42                   1998.9999999999998  "Invoice 42"             false
#   1.10    000042                       110.00000000000001  42                       false
#   8.20    210000000003139471430009017  819.9999999999999   2.1000000000313946e+26   false
#   16.10   2026.10                      1610.0000000000002  2026.1                   false
#   12.00   0x1F                         1200                31                       false
#   64.10 R Invoice 43                   6409.999999999999   "Invoice 43"             false
#   pain.002 about the refund "000017": 17 RJCT
#   pain.002 about the refund "R-000017": "R-000017" RJCT
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund iso20022.js@0.0.15

cat >statement.mjs <<'JS'
import { CashManagementEndOfDayReport, PaymentStatusReport } from "iso20022.js"

const payments = [
  { amount: "19.99", reference: "Invoice 42" },
  { amount: "1.10", reference: "000042" },
  { amount: "8.20", reference: "210000000003139471430009017" },
  { amount: "16.10", reference: "2026.10" },
  { amount: "12.00", reference: "0x1F" },
  { amount: "64.10", reference: "Invoice 43", reversed: true },
]
const entry = ({ amount, reference, reversed }) => `<Ntry>
<Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${reversed ? "DBIT" : "CRDT"}</CdtDbtInd>
<RvslInd>${reversed ?? false}</RvslInd>
<Sts>BOOK</Sts><BookgDt><Dt>2026-12-01</Dt></BookgDt>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><RmtInf><Ustrd>${reference}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`
const statement = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-12-01T20:00:00+01:00</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-12-01T20:00:00+01:00</CreDtTm>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Svcr><FinInstnId><BIC>COBADEFFXXX</BIC></FinInstnId></Svcr></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-12-01</Dt></Dt></Bal>
${payments.map(entry).join("\n")}</Stmt></BkToCstmrStmt></Document>`

const widths = [8, 29, 20, 25, 0]
const line = (...cells) => console.log(cells.map((cell, nth) => String(cell).padEnd(widths[nth])).join("").trimEnd())
line("amount", "reference", "cents", "reference read", "reversal")
const { entries } = CashManagementEndOfDayReport.fromXML(statement)
for (const [nth, { amount, transactions, reversal }] of entries.entries()) {
  const [{ remittanceInformation }] = transactions
  const written = `${payments[nth].amount}${payments[nth].reversed ? " R" : ""}`
  line(written, payments[nth].reference, amount, JSON.stringify(remittanceInformation), reversal)
}

const report = (id) => `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-12-01T20:00:00+01:00</CreDtTm><InitgPty><Nm>Bank</Nm></InitgPty></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>${id}</OrgnlEndToEndId>
<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>`
for (const id of ["000017", "R-000017"]) {
  const { originalId, status } = PaymentStatusReport.fromXML(report(id))
  console.log(`pain.002 about the refund ${JSON.stringify(id)}: ${JSON.stringify(originalId)} ${status}`)
}
JS
node statement.mjs | tee seen.txt
cat >expected.txt <<'TXT'
amount  reference                    cents               reference read           reversal
19.99   Invoice 42                   1998.9999999999998  "Invoice 42"             false
1.10    000042                       110.00000000000001  42                       false
8.20    210000000003139471430009017  819.9999999999999   2.1000000000313946e+26   false
16.10   2026.10                      1610.0000000000002  2026.1                   false
12.00   0x1F                         1200                31                       false
64.10 R Invoice 43                   6409.999999999999   "Invoice 43"             false
pain.002 about the refund "000017": 17 RJCT
pain.002 about the refund "R-000017": "R-000017" RJCT
TXT
diff expected.txt seen.txt && echo "unchanged: iso20022.js reads references as numbers and no reversals"
