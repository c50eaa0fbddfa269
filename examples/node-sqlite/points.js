/**
 * The business: points of an account, frozen by a try, spent by a confirm, given back by a cancel.
 *
 * Each function gets the database inside the open local transaction of the barrier: it never commits, never waits, and never
 * calls anybody. One conditional statement each, so nothing is looked at before it is changed.
 */
import { Refused } from './barrier.js'

const FREEZE = `UPDATE points SET available = available - :n, frozen = frozen + :n
  WHERE account = :account AND available >= :n RETURNING available`
const SPEND = 'UPDATE points SET frozen = frozen - :n, spent = spent + :n WHERE account = :account'
const GIVE_BACK = 'UPDATE points SET available = available + :n, frozen = frozen - :n WHERE account = :account'
const FIGURES = `SELECT coalesce(sum(available), 0) AS available, coalesce(sum(frozen), 0) AS frozen, coalesce(sum(spent), 0) AS spent
  FROM points WHERE account = coalesce(?, account)`

/** `{"account", "n"}` of the body, or a refusal: what can never be done is refused by the try. */
function wanted(call) {
  let body
  try {
    body = JSON.parse(call.body)
  } catch {
    throw new Refused('body_invalid', 'the body is not JSON')
  }
  const { account, n } = body ?? {}
  if (typeof account !== 'string' || !Number.isSafeInteger(n) || n < 1) {
    throw new Refused('body_invalid', '`account` is a string, `n` a whole number from 1')
  }
  return { account, n }
}

function change(db, statement, call) {
  const want = wanted(call)
  if (db.prepare(statement).run(want).changes !== 1) throw new Error(`${call.body} was frozen and is gone`)
}

export const business = {
  try(db, call) {
    const { account, n } = wanted(call)
    const left = db.prepare(FREEZE).get({ account, n })
    if (!left) throw new Refused('insufficient_points', `there are not ${n} on ${account}`)
    return { account, frozen: n, left: left.available }
  },
  confirm: (db, call) => change(db, SPEND, call),
  cancel: (db, call) => change(db, GIVE_BACK, call),
}

/** What is there, on one account or on all. */
export function figures(db, account) {
  return db.prepare(FIGURES).get(account)
}
