// What programs on Node's drivers print. Each line is the same on every run; what the server refuses is printed, what
// nobody expects ends the program.
import { createHash } from 'node:crypto'

export const section = name => console.log(`== ${name}`)

export const say = (...values) => console.log(values.map(told).join(' '))

function told(value) {
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`
  return typeof value === 'string' ? value : JSON.stringify(value, (_, found) =>
    typeof found === 'bigint' ? `${found}n` : found)
}

// For bytes too many to print.
export const sum = data => `${data.length} long ${createHash('sha256').update(data).digest('hex')}`

// The server's refusal; anything else is a fault of the program, or of the proxy.
export function refused(error) {
  if (!error.severity) throw error
  const position = error.position, table = error.table ?? error.table_name
  say('refused', error.severity, error.code, error.message, ...[
    error.detail, error.hint, position, error.where, error.schema ?? error.schema_name, table,
    error.column ?? error.column_name, error.constraint ?? error.constraint_name,
  ].map(part => part ?? '-'))
}

export const WRONG = [
  'SELEC 1', 'SELECT no_such', 'SELECT 1/0', 'SELECT 1 +', "SELECT 'x'::int",
  `DO $$BEGIN RAISE NOTICE 'hello'; RAISE EXCEPTION 'mine' USING ERRCODE = 'MY001', HINT = 'a hint'; END$$`,
]

export const until = milliseconds => new Promise(done => setTimeout(done, milliseconds))
