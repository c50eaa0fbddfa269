/**
 * A participant that keeps points in SQLite: HTTP in front of the barrier and the business.
 *
 * Reads what comes, hands it to the barrier, answers what the barrier says. A fault is a 500 or 503, never a 409: nothing is
 * decided by it, and Tercet asks again. Next: barrier.js, points.js, and docs/guides/participant.md for the rules.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { Barrier, Refused, call } from './barrier.js'
import { business, figures } from './points.js'
import { check } from './signature.js'

const BODY_MAX = 1024 * 1024
const ID = /^[A-Za-z0-9._:/-]{1,128}$/
const SCHEMA = readFileSync(new URL('schema.sql', import.meta.url), 'utf8')

/** The call that the headers name; without them nobody could tell a duplicate. */
export function identify(headers, operation, body) {
  const [transaction, branch] = [headers['tercet-transaction'], headers['tercet-branch']]
  if (!ID.test(transaction ?? '') || !ID.test(branch ?? '') || headers['tercet-operation'] !== operation) {
    const needed = `Tercet-Transaction, Tercet-Branch and Tercet-Operation: ${operation} are needed`
    throw new Refused('identity_missing', needed, 400)
  }
  return call(transaction, branch, operation, body)
}

async function bodyOf(request) {
  const parts = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > BODY_MAX) throw new Refused('too_large', 'a body over 1 MiB', 413)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** What answers one request: `{status, body}`. */
function answerer({ db, barrier, identify, secret }) {
  const pages = {
    '/probe': (url) => figures(db, url.searchParams.get('account')),
    '/healthz': () => db.prepare('SELECT 1 AS alive').get(),
  }
  return async (request) => {
    const url = new URL(request.url, 'http://participant')
    const page = request.method === 'GET' && pages[url.pathname]
    if (page) return { status: 200, body: JSON.stringify(page(url)) }
    const operation = url.pathname.slice(1)
    if (request.method !== 'POST' || !Object.hasOwn(business, operation)) return { status: 404 }
    const body = await bodyOf(request)
    if (secret) check(secret, request, body)
    return barrier.run(identify(request.headers, operation, body), business[operation])
  }
}

function refusedOrFault(fault) {
  if (fault instanceof Refused) return fault
  console.error(fault)
  return { status: fault.code === 'SQLITE_BUSY' ? 503 : 500, body: JSON.stringify({ detail: 'a fault; see the log' }) }
}

function respond(response, { status, body }) {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, body && { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

/** FULL: what was answered is on the disk, also after a power cut. */
export function open(file, schema = SCHEMA) {
  const db = new Database(file, { timeout: 100 })
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(schema)
  return db
}

/** Flags, and the environment where a flag is not given. */
export function settings() {
  const { env } = process
  const options = {
    database: { type: 'string', default: env.DATABASE ?? 'points.db' },
    host: { type: 'string', default: env.HOST ?? '127.0.0.1' },
    port: { type: 'string', default: env.PORT ?? '0' },
    secret: { type: 'string', default: env.TERCET_SECRET ?? '' },
    list: { type: 'boolean', default: false }, // of twins.js
  }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  return { ...values, positionals }
}

export function serve({ host, port, secret }, { db, barrier = new Barrier(db), identify: who = identify }) {
  const answer = answerer({ db, barrier, identify: who, secret })
  const server = createServer(async (request, response) => respond(response, await answer(request).catch(refusedOrFault)))
  server.listen({ host, port: Number(port), backlog: 1024 }, () => {
    console.log(`ready http=${host}:${server.address().port}`)
  })
  process.on('SIGTERM', () => {
    server.close(() => db.close()) // what has begun is answered first
    server.closeIdleConnections()
  })
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const chosen = settings()
  serve(chosen, { db: open(chosen.database) })
}
