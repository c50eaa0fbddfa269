/**
 * Proves that a call comes from the coordinator: an HMAC over the time, the address, the identity and the body.
 *
 * `Tercet-Signature: t=UNIX_SECONDS,v1=HEX,v2=HEX`, v2 being HMAC-SHA256(secret, "{t}\n{METHOD}\n{path?query}\n
 * {transaction}\n{branch}\n{operation}\n" + body). v1 leaves out the identity and is for those who know no v2: it is not
 * looked at.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Refused } from './barrier.js'

const TOLERANCE = 300 // seconds: how old a call may be, and how far the clocks may be apart
const SHAPE = /^t=(\d{1,12}),(?:.*,)?v2=([0-9a-f]{64})(?:,|$)/
const IDENTITY = ['tercet-transaction', 'tercet-branch', 'tercet-operation']

export function check(secret, request, body) {
  const [, seconds, given] = SHAPE.exec(request.headers['tercet-signature'] ?? '') ?? []
  const fresh = Math.abs(Date.now() / 1000 - seconds) <= TOLERANCE
  if (!fresh || !timingSafeEqual(sign(secret, seconds, request, body), Buffer.from(given, 'hex'))) {
    throw new Refused('signature_invalid', 'the signature is missing, too old or wrong', 401)
  }
}

function sign(secret, seconds, request, body) {
  const identity = IDENTITY.map((name) => request.headers[name] ?? '')
  const head = [seconds, request.method, request.url, ...identity, ''].join('\n')
  return createHmac('sha256', secret).update(head).update(body).digest()
}
