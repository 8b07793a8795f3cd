// postgres.js. It prepares everything, and sends what is asked at once as a pipeline.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import { WRONG, refused, say, section, sum, until } from './said.mjs'

async function run(query) {
  try {
    const result = await query
    say(result.command, result.count, result.columns?.map(column => [column.name, column.type]))
    for (const row of result) say(row)
  } catch (error) {
    refused(error)
  }
}

async function types(sql) {
  section('types')
  await run(sql`SELECT ${-7}::int2 a, ${String(2n ** 40n)}::int8 b, ${1.5}::float8 c, ${'12.3400'}::numeric d,
    ${true}::bool e, ${"ünï\n'"}::text f, ${Buffer.from([0, 255])}::bytea g, ${'2024-02-29'}::date h,
    ${new Date(Date.UTC(2024, 5, 1, 12))}::timestamptz i, ${'1 day 2 s'}::interval j, ${[1, 2]}::int[] k,
    ${['a', 'b']}::text[] l, ${{ a: [1, null] }}::jsonb m, ${'10.0.0.1'}::inet n`)
  await run(sql`SELECT ${null}::text a, ${null}::int b`)
  await run(sql`SELECT WHERE false`)
  say(await sql`SELECT 1 a, 'two' b, NULL c`.values())
  for (const result of await sql.unsafe("SELECT 1 a; SELECT 'two' b, 3 c")) say(result)
  say((await sql`SELECT ${1}::int a, ${'x'} b`.describe()).types)
}

async function prepared(sql) {
  section('prepared')
  for (let number = 0; number < 12; number++)
    await run(sql.unsafe(`SELECT ${number % 5} a, $1::int b`, [number], { prepare: true }))
  for (let number = 0; number < 3; number++) await run(sql`SELECT 1 / ${number}::int a`)
  for (let number = 0; number < 3; number++) await run(sql.unsafe('SELECT no_such', [], { prepare: number > 0 }))
}

async function batches(sql) {
  section('batches')
  await run(sql`CREATE TABLE postgresjs_batches (a int PRIMARY KEY, b text)`)
  const rows = Array.from({ length: 500 }, (_, number) => ({ a: number, b: `row ${number}` }))
  await run(sql`INSERT INTO postgresjs_batches ${sql(rows)}`)
  await run(sql`UPDATE postgresjs_batches SET b = v.b FROM (VALUES ${sql([[1, 'uno'], [2, 'due']])}) AS v (a, b)
    WHERE postgresjs_batches.a = v.a::int RETURNING postgresjs_batches.*`)
  await run(sql`INSERT INTO postgresjs_batches ${sql(rows.slice(0, 2))}`)
  await run(sql`SELECT count(*), sum(length(b)) FROM postgresjs_batches`)
  await run(sql`DROP TABLE postgresjs_batches`)
}

async function pipelines(sql) {
  section('pipelines')
  const numbers = Array.from({ length: 100 }, (_, number) => number)
  // Every tenth fails in the midst of the others.
  const all = await Promise.allSettled(numbers.map(number => sql`SELECT ${number}::int / ${number % 10}::int a`))
  for (const { status, value, reason } of all) say(status, value ?? reason.code)
  const different = await Promise.allSettled(numbers.slice(0, 20).map(number => sql.unsafe(
    number % 7 ? `SELECT ${number} a, $1::int b` : 'SELECT no_such, $1::int', [number], { prepare: true })))
  for (const { status, value, reason } of different) say(status, value ?? reason.code)
  const inside = await sql.begin(sql => numbers.slice(0, 10).map(number => sql`SELECT ${number}::int a`))
  say(inside.map(rows => rows[0].a))
}

async function copy(sql) {
  section('copy')
  await run(sql`CREATE TABLE postgresjs_copy (a int CHECK (a <> 13), b text)`)
  const lines = Array.from({ length: 5000 }, (_, number) => `${number + 100}\tline ${number}\n`)
  for (const source of [lines, ['14\t\\N\n']]) {
    await pipeline(Readable.from(source), await sql`COPY postgresjs_copy FROM STDIN`.writable())
    await run(sql`SELECT count(*), sum(a) FROM postgresjs_copy`)
  }
  // Little: with more than its stream holds the driver itself gets stuck, with the server too.
  const stream = await sql`COPY (SELECT * FROM postgresjs_copy WHERE a < 300 ORDER BY a) TO STDOUT`.readable()
  say(sum(Buffer.concat(await stream.toArray())))
  await run(sql`DROP TABLE postgresjs_copy`)
}

async function errors(sql) {
  section('errors')
  for (const text of WRONG)
    for (const prepare of [false, true]) {
      await run(sql.unsafe(text, [], { prepare }))
      await run(sql`SELECT ${1}::int a`)
    }
  await run(sql`SELECT ${'none'}::int`)
}

async function cancel(sql) {
  section('cancel')
  for (let round = 0; round < 2; round++) {
    const query = sql`SELECT pg_sleep(60)`
    const asleep = run(query)
    await until(400)
    query.cancel()
    await asleep
    await run(sql`SELECT 'still here' a`)
  }
}

async function notifications(sql) {
  section('notifications')
  const heard = []
  // It listens on a connection of its own.
  let told
  const both = new Promise(done => { told = done })
  await sql.listen('postgresjs_channel', payload => {
    heard.push(payload)
    if (heard.length === 2) told()
  })
  await sql.notify('postgresjs_channel', 'one')
  await sql.notify('postgresjs_channel', 'two')
  await both
  say(heard)
}

async function transactions(sql) {
  section('transactions')
  await run(sql`CREATE TABLE postgresjs_transactions (a int UNIQUE)`)
  await sql.begin('isolation level serializable', async sql => {
    await run(sql`SHOW transaction_isolation`)
    await run(sql`INSERT INTO postgresjs_transactions VALUES (${1})`)
    for (const value of [1, 2])
      await sql.savepoint(sql => sql`INSERT INTO postgresjs_transactions VALUES (${value})`).then(() => say('kept'), refused)
  })
  await sql.begin('read only', sql => sql`INSERT INTO postgresjs_transactions VALUES (3)`).catch(refused)
  await sql.begin(async sql => {
    await sql`INSERT INTO postgresjs_transactions VALUES (4)`
    throw new Error('mine')
  }).catch(error => say(error.message))
  await run(sql`SELECT a FROM postgresjs_transactions ORDER BY a`)
  for await (const rows of sql`SELECT i FROM generate_series(1, ${25}::int) i`.cursor(10)) say(rows.map(row => row.i))
  await run(sql`DROP TABLE postgresjs_transactions`)
}

async function bigRows(sql) {
  section('big_rows')
  const one = async query => sum((await query)[0].a)
  say(await one(sql`SELECT repeat('x', 8000000) a`))
  say(await one(sql`SELECT ${'ü'.repeat(1500000)}::text a`))
  say(await one(sql.unsafe(`SELECT '${'z'.repeat(2000000)}' a`)))
  const rows = await sql`SELECT repeat('y', i % 3000) a FROM generate_series(1, 5000) i`
  say(rows.length, sum(rows.map(row => row.a).join()))
}

for (const part of [
  types, prepared, batches, pipelines, copy, errors, cancel, notifications, transactions, bigRows,
]) {
  const sql = postgres({ max: 1, fetch_types: true, onnotice: notice => say('notice', notice.severity, notice.message) })
  await part(sql)
  await sql.end()
}
