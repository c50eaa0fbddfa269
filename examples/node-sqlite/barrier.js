/**
 * The barrier: what makes each operation of a branch take effect once, whatever the network does to its calls.
 *
 * One row per operation, inserted first, in the local transaction of the business change; the primary key decides who came
 * first. Never looks before it writes, and never calls anybody. The rule in words: docs/concepts/barrier.md.
 */
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

const ATTEMPTS = 20 // of one call that finds the file taken by another process; then it is a fault, and Tercet asks again
const TAKEN = new Set(['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED'])
const ANSWER_MAX = 64 * 1024

const PHASE = { try: 1, action: 1, confirm: 2, cancel: 2, compensate: 2, deliver: 2 }
const ENDS = { confirm: 'try', cancel: 'try', compensate: 'action' } // an operation, and which one it ends
const RULES = { try: 'begin', action: 'begin', deliver: 'begin', confirm: 'confirm', cancel: 'cancel', compensate: 'cancel' }

const CLAIM = `INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content)
  VALUES (:transaction, :branch, :phase, :operation, :outcome, :content) ON CONFLICT DO NOTHING`
const CLAIM_AFTER = `INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content)
  SELECT :transaction, :branch, 2, :operation, 'done', :content WHERE EXISTS (
    SELECT 1 FROM tercet_barrier
    WHERE transaction_id = :transaction AND branch_id = :branch AND phase = 1 AND operation = :ends AND outcome = 'done')
  ON CONFLICT DO NOTHING`
const KEEP = `UPDATE tercet_barrier SET outcome = :outcome, answer = :answer
  WHERE transaction_id = :transaction AND branch_id = :branch AND phase = :phase`
const ROWS = `SELECT phase, operation, outcome, content, answer FROM tercet_barrier
  WHERE transaction_id = :transaction AND branch_id = :branch`

/** The business says no: nothing is changed, the answer is 409. Of a try it is kept, and stands. */
export class Refused extends Error {
  constructor(code, detail, status = 409) {
    super(detail)
    this.status = status
    this.body = Buffer.from(JSON.stringify({ type: 'about:blank', title: code.replaceAll('_', ' '), status, detail, code }))
  }
}

/** The barrier says no: the call is too late, or not possible after what was done. No row stays. */
export class Unlawful extends Refused {}

/** One call of Tercet: the three headers that identify it, and its body as it came. */
export function call(transaction, branch, operation, body) {
  const content = createHash('sha256').update(body).digest().subarray(0, 16).toString('hex')
  return { transaction, branch, operation, body, content }
}

export class Barrier {
  constructor(db) {
    this.db = db
    const prepared = [CLAIM, CLAIM_AFTER, KEEP, ROWS].map((statement) => db.prepare(statement))
    ;[this.claimRow, this.claimRowAfter, this.keepAnswer, this.readRows] = prepared
  }

  /** Runs `business(db, call)` once for this call, inside the open local transaction; answers what it returned then. */
  async run(call, business) {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.once(call, business)
      } catch (fault) {
        if (!TAKEN.has(fault.code) || attempt === ATTEMPTS) throw fault
        await pause(Math.random() * 50)
      }
    }
  }

  once(call, business) {
    try {
      return this.transaction(() => this[RULES[call.operation]](call, business))
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal
      if (refusal instanceof Unlawful || PHASE[call.operation] === 2) return refusal
      return this.transaction(() => this.keepRefusal(call, refusal)) // the change is rolled back; the refusal must stay
    }
  }

  /** BEGIN IMMEDIATE takes the one place of a writer at once: a reader that turns writer later could not wait for it. */
  transaction(work) {
    return this.db.transaction(work).immediate()
  }

  // One rule per operation: the row first, then the business, or what the rows say.

  /** try, action, deliver: whoever takes the place acts. */
  begin(call, business) {
    if (this.claim(call, PHASE[call.operation], 'done')) return this.act(call, business)
    return this.duplicate(call)
  }

  confirm(call, business) {
    if (this.claimAfter(call)) return this.act(call, business)
    const [first, second] = this.rows(call)
    if (second.operation === call.operation) return this.said(second)
    if ([first.operation, second.operation].includes('cancel')) {
      throw new Unlawful('confirm_after_cancel', 'a confirm after the cancel: it was given back')
    }
    throw new Unlawful('confirm_without_try', 'a confirm without a try that was done: there is nothing to take')
  }

  /** cancel, compensate: takes the place of the try that never came, so that a late one runs into it. */
  cancel(call, business) {
    if (this.claim(call, 1, 'void')) return { status: 200 }
    if (this.claimAfter(call)) return this.act(call, business)
    const [first, second] = this.rows(call)
    if (second.operation === 'confirm') {
      throw new Unlawful('cancel_after_confirm', 'a cancel after the confirm: it was taken')
    }
    if (first.outcome === 'refused' && !second.operation) {
      this.claim(call, 2, 'void')
      return { status: 200 }
    }
    return this.said(second.operation ? second : first)
  }

  // What the rules are made of.

  /** Inserts the row; whether it was the first. */
  claim({ transaction, branch, operation, content }, phase, outcome) {
    return this.claimRow.run({ transaction, branch, phase, operation, outcome, content }).changes === 1
  }

  /** Inserts the row of an operation that ends another, if that one was done; whether it did. */
  claimAfter({ transaction, branch, operation, content }) {
    return this.claimRowAfter.run({ transaction, branch, operation, content, ends: ENDS[operation] }).changes === 1
  }

  act(call, business) {
    const answer = business(this.db, call)
    if (answer === undefined) return { status: 200 }
    const body = Buffer.from(JSON.stringify(answer))
    this.keep(call, 'done', body)
    return { status: 200, body }
  }

  keep({ transaction, branch, operation }, outcome, answer) {
    if (answer.length > ANSWER_MAX) throw new RangeError('an answer over 64 KiB cannot be kept')
    this.keepAnswer.run({ transaction, branch, phase: PHASE[operation], outcome, answer })
  }

  keepRefusal(call, refusal) {
    if (!this.claim(call, 1, 'refused')) return this.duplicate(call) // somebody was faster: what it wrote stands
    this.keep(call, 'refused', refusal.body)
    return refusal
  }

  duplicate(call) {
    const row = this.rows(call)[PHASE[call.operation] - 1]
    if (row.operation !== call.operation) throw new Unlawful('late_try', `the ${call.operation} came after its cancel`)
    if (row.content && row.content !== call.content) {
      throw new Unlawful('content_mismatch', 'the same ids with another body', 422)
    }
    return this.said(row)
  }

  said(row) {
    return { status: row.outcome === 'refused' ? 409 : 200, body: row.answer ?? undefined }
  }

  /** The rows of phase 1 and 2, empty ones where there are none. */
  rows({ transaction, branch }) {
    const found = [{}, {}]
    for (const row of this.readRows.iterate({ transaction, branch })) found[row.phase - 1] = row
    return found
  }
}
