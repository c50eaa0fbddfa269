/**
 * Broken twins of the service: each has one classic fault, for seeing that a check of participants finds it.
 *
 *     twins.js --list        the names
 *     twins.js FAULT         runs that one, with the settings of service.js
 *
 * The service never imports this. A twin keeps its tables in a file of its own, and without the checks on the figures: what the
 * fault does to them shall be seen.
 */
import { readFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Barrier, Refused, call } from './barrier.js'
import { identify, open, serve, settings } from './service.js'

const WINDOW = 20 // milliseconds: as long as a busy machine may stand still between two steps

const FORGET = 'DELETE FROM tercet_barrier WHERE transaction_id = ? AND branch_id = ? AND phase = 1'

/** An empty cancel answers success and leaves nothing: a late try freezes for ever. */
class NoTombstone extends Barrier {
  claim(call, phase, outcome) {
    const first = super.claim(call, phase, outcome)
    if (first && phase === 1 && outcome === 'void') this.db.prepare(FORGET).run(call.transaction, call.branch)
    return first
  }
}

/** The row is committed before the business change is begun: between the two, and after a refusal, it says what is not so. */
class BarrierInAnotherTransaction extends Barrier {
  async run(call, business) {
    if (call.operation !== 'try') return super.run(call, business)
    if (!this.claim(call, 1, 'done')) return this.once(call, business)
    await pause(WINDOW)
    return answered(() => this.transaction(() => this.act(call, business)))
  }
}

/** Looks whether the row is there, acts, and writes it then: two calls at once both see nothing. */
class LookBeforeWrite extends Barrier {
  async run(call, business) {
    if (call.operation !== 'try' || this.rows(call)[0].operation) return super.run(call, business)
    await pause(WINDOW)
    return answered(() =>
      this.transaction(() => {
        this.claim(call, 1, 'done')
        return this.act(call, business)
      }),
    )
  }
}

/** Cancels only what was tried: the cancel of a try that was refused, or never came, fails. */
class CancelSkippedWhenTryFailed extends Barrier {
  cancel(call, business) {
    if (this.rows(call)[0].outcome !== 'done') throw new Refused('nothing_to_cancel', 'there is no try that was done')
    return super.cancel(call, business)
  }
}

/** An empty cancel gives back what was never frozen: somebody else's. */
class EmptyCancelGivesBack extends Barrier {
  cancel(call, business) {
    return this.claim(call, 1, 'void') ? this.act(call, business) : super.cancel(call, business)
  }
}

/** The row is there, and the business runs all the same. */
class DuplicateRunsAgain extends Barrier {
  begin(call, business) {
    const known = !this.claim(call, 1, 'done') && this.rows(call)[0].operation !== call.operation
    return known ? this.duplicate(call) : this.act(call, business)
  }
}

/** Confirms what nobody froze. */
class ConfirmWithoutTry extends Barrier {
  confirm(call, business) {
    const untried = !this.rows(call)[0].operation && this.claim(call, 2, 'done')
    return untried ? this.act(call, business) : super.confirm(call, business)
  }
}

/** Confirms what was given back. */
class ConfirmAfterCancel extends Barrier {
  confirm(call, business) {
    return allThe(() => super.confirm(call, business), 'confirm_after_cancel', () => business(this.db, call))
  }
}

/** Gives back what was spent. */
class CancelAfterConfirm extends Barrier {
  cancel(call, business) {
    return allThe(() => super.cancel(call, business), 'cancel_after_confirm', () => business(this.db, call))
  }
}

/** A duplicate is recognised, but gets another answer than the first call did. */
class AnswerNotKept extends Barrier {
  keep(call, outcome) {
    super.keep(call, outcome, Buffer.alloc(0))
  }
}

/** Takes a call without identity for a new one: every duplicate of it runs again. */
function anybody(headers, operation, body) {
  return headers['tercet-transaction'] ? identify(headers, operation, body) : call(randomUUID(), 'anybody', operation, body)
}

function answered(work) {
  try {
    return work()
  } catch (refusal) {
    if (refusal instanceof Refused) return refusal
    throw refusal
  }
}

/** What the honest rule refuses with this code is done all the same. */
function allThe(rule, code, work) {
  try {
    return rule()
  } catch (refusal) {
    if (!refusal.body?.includes(code)) throw refusal
    work()
    return { status: 200 }
  }
}

// A name, and what is put in the place of the honest part.
const FAULTS = {
  no_tombstone: { Barrier: NoTombstone },
  barrier_in_another_transaction: { Barrier: BarrierInAnotherTransaction },
  look_before_write: { Barrier: LookBeforeWrite },
  cancel_skipped_when_try_failed: { Barrier: CancelSkippedWhenTryFailed },
  empty_cancel_gives_back: { Barrier: EmptyCancelGivesBack },
  duplicate_runs_again: { Barrier: DuplicateRunsAgain },
  confirm_without_try: { Barrier: ConfirmWithoutTry },
  confirm_after_cancel: { Barrier: ConfirmAfterCancel },
  cancel_after_confirm: { Barrier: CancelAfterConfirm },
  answer_not_kept: { Barrier: AnswerNotKept },
  no_identity_check: { Barrier, identify: anybody },
}

const chosen = settings()
const [fault] = chosen.positionals
if (chosen.list) {
  console.log(Object.keys(FAULTS).join('\n'))
} else if (!Object.hasOwn(FAULTS, fault ?? '')) {
  console.error('twins.js FAULT; twins.js --list prints their names')
  process.exitCode = 2
} else {
  const schema = readFileSync(new URL('schema.sql', import.meta.url), 'utf8').replaceAll(/ CHECK \(.*?\)/g, '')
  const db = open(`${chosen.database}.${fault}`, schema)
  const { Barrier: Twin, identify: who } = FAULTS[fault]
  serve(chosen, { db, barrier: new Twin(db), identify: who })
}
