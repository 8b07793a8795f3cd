// node-postgres.
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import { WRONG, refused, say, section, sum, until } from './said.mjs'

async function run(client, ...query) {
  try {
    for (const result of [await client.query(...query)].flat()) {
      say(result.command, result.rowCount, result.fields.map(field => [field.name, field.dataTypeID]))
      for (const row of result.rows) say(row)
    }
  } catch (error) {
    refused(error)
  }
}

async function types(client) {
  section('types')
  const text = `SELECT $1::int2 a, $2::int8 b, $3::float8 c, $4::numeric d, $5::bool e, $6::text f, $7::bytea g,
    $8::date h, $9::timestamptz i, $10::interval j, $11::int[] k, $12::text[] l, $13::jsonb m, $14::uuid n, $15::inet o`
  const values = [-7, 2n ** 40n, 1.5, '12.3400', true, "ünï\n'", Buffer.from([0, 255]), '2024-02-29',
    new Date(Date.UTC(2024, 5, 1, 12)), '1 day 2 s', [1, 2, null], ['a', 'b'], { a: [1, null] },
    '00000000-0000-0000-0000-000000000007', '10.0.0.1']
  await run(client, text, values)
  await run(client, { text, values, rowMode: 'array' })
  await run(client, { text: 'SELECT $1::bytea a, $2::int b', values: [Buffer.from('x'), 5], binary: true })
  await run(client, 'SELECT $1::text a, $2::int b', [null, null])
  await run(client, "SELECT 1 a; SELECT 'two' b, 3 c; SELECT WHERE false")
}

async function prepared(client) {
  section('prepared')
  for (let number = 0; number < 12; number++)
    await run(client, { name: `named ${number % 5}`, text: `SELECT ${number % 5} a, $1::int b`, values: [number] })
  for (let round = 0; round < 2; round++)
    await run(client, { name: 'fails', text: 'SELECT 1 / $1::int', values: [0] })
  await run(client, { name: 'wrong', text: 'SELECT no_such', values: [] })
  await run(client, { name: 'fails', text: 'SELECT 1 / $1::int', values: [1] })
}

async function batches(client) {
  section('batches')
  await run(client, 'CREATE TABLE node_batches (a int PRIMARY KEY)')
  await run(client, 'INSERT INTO node_batches VALUES (1); INSERT INTO node_batches VALUES (2), (3) RETURNING a')
  await run(client, 'INSERT INTO node_batches VALUES (4); INSERT INTO node_batches VALUES (1)')
  await run(client, 'BEGIN; INSERT INTO node_batches VALUES (5); ROLLBACK; INSERT INTO node_batches VALUES (6)')
  // Asked all at once: the driver queues them.
  const numbers = Array.from({ length: 200 }, (_, number) => number)
  const all = await Promise.all(numbers.map(number => client.query('SELECT $1::int a', [number])))
  say(all.every((result, number) => result.rows[0].a === number))
  await run(client, 'SELECT a FROM node_batches ORDER BY a')
  await run(client, 'DROP TABLE node_batches')
}

async function copy(client) {
  section('copy')
  await run(client, 'CREATE TABLE node_copy (a int CHECK (a <> 13), b text)')
  const lines = Array.from({ length: 5000 }, (_, number) => `${number + 100}\tline ${number}\n`)
  for (const source of [lines, ['13\tx\n'], ['not a number\tx\n'], ['14\t\\N\n']]) {
    try {
      const stream = client.query(from('COPY node_copy FROM STDIN'))
      await pipeline(Readable.from(source), stream)
      say('copied', stream.rowCount)
    } catch (error) {
      refused(error)
    }
    await run(client, 'SELECT count(*) FROM node_copy')
  }
  const stream = client.query(to('COPY (SELECT * FROM node_copy ORDER BY a) TO STDOUT'))
  say(sum(Buffer.concat(await stream.toArray())))
  await run(client, 'DROP TABLE node_copy')
}

async function errors(client) {
  section('errors')
  client.on('notice', notice => say('notice', notice.severity, notice.message))
  for (const text of WRONG)
    for (const values of [undefined, []]) {
      await run(client, text, values)
      await run(client, 'SELECT 1 a')
    }
  await run(client, { text: 'SELECT 1/$1::int', values: [0] })
  await run(client, { text: 'SELECT $1::int', values: ['none'] })
}

async function cancel(client) {
  section('cancel')
  for (const values of [undefined, []]) {
    const asleep = run(client, 'SELECT pg_sleep(60)', values)
    let awake = false
    asleep.then(() => { awake = true })
    while (!awake) {
      await until(200)
      if (awake) break
      const messenger = new pg.Client()
      messenger.cancel(client, client.activeQuery)
      await until(300)
    }
    await asleep
    await run(client, "SELECT 'still here' a")
  }
}

async function notifications(client) {
  section('notifications')
  const heard = []
  client.on('notification', ({ channel, payload }) => heard.push([channel, payload]))
  await run(client, 'LISTEN node_channel')
  await run(client, "NOTIFY node_channel, 'one'")
  await run(client, 'SELECT pg_notify($1, $2)', ['node_channel', 'two'])
  while (heard.length < 2) await once(client, 'notification')
  say(heard)
  await run(client, 'UNLISTEN *')
}

async function transactions(client) {
  section('transactions')
  await run(client, 'CREATE TABLE node_transactions (a int UNIQUE)')
  for (const text of [
    'BEGIN ISOLATION LEVEL SERIALIZABLE', 'SHOW transaction_isolation', 'INSERT INTO node_transactions VALUES (1)',
    'SAVEPOINT s', 'INSERT INTO node_transactions VALUES (1)', 'SELECT 1', 'ROLLBACK TO s',
    'INSERT INTO node_transactions VALUES (2)', 'COMMIT', 'BEGIN READ ONLY',
    'INSERT INTO node_transactions VALUES (3)', 'COMMIT', 'SELECT a FROM node_transactions ORDER BY a',
  ]) await run(client, text, [])
  await client.query('BEGIN')
  const cursor = client.query(new Cursor('SELECT i FROM generate_series(1, $1::int) i', [25]))
  for (let rows; (rows = await cursor.read(10)).length;) say(rows.map(row => row.i))
  await cursor.close()
  await run(client, 'COMMIT')
  await run(client, 'DROP TABLE node_transactions')
}

async function bigRows(client) {
  section('big_rows')
  const one = async (...query) => sum((await client.query(...query)).rows[0].a)
  say(await one("SELECT repeat('x', 8000000) a"))
  say(await one('SELECT $1::text a', ['ü'.repeat(1500000)]))
  say(await one(`SELECT '${'z'.repeat(2000000)}' a`))
  const { rows } = await client.query("SELECT repeat('y', i % 3000) a FROM generate_series(1, 5000) i")
  say(rows.length, sum(rows.map(row => row.a).join()))
}

async function pool() {
  const pool = new pg.Pool({ max: 3 })
  const numbers = Array.from({ length: 60 }, (_, number) => number)
  const all = await Promise.all(numbers.map(number => pool.query('SELECT $1::int * 2 a', [number])))
  section('batches')
  say('pool', all.map(result => result.rows[0].a))
  await pool.end()
}

for (const part of [types, prepared, batches, copy, errors, cancel, notifications, transactions, bigRows]) {
  const client = new pg.Client()
  await client.connect()
  await part(client)
  await client.end()
}
await pool()
