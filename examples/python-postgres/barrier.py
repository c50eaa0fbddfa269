"""The barrier: what makes each operation of a branch take effect once, whatever the network does to its calls.

One row per operation, inserted first, in the local transaction of the business change; the primary key decides who came
first. Never looks before it writes, and never calls anybody. The rule in words: docs/concepts/barrier.md.
"""
import hashlib
import json
import random
import time
from dataclasses import dataclass

from psycopg.errors import DeadlockDetected, SerializationFailure

ATTEMPTS = 8  # of one call that meets deadlocks or serialization failures; then it is a fault, and Tercet asks again
ANSWER_MAX = 64 * 1024

PHASE = {"try": 1, "action": 1, "confirm": 2, "cancel": 2, "compensate": 2, "deliver": 2}
RULE = {"try": "begin", "action": "begin", "deliver": "begin", "confirm": "confirm", "cancel": "cancel", "compensate": "cancel"}
ENDS = {"confirm": "try", "cancel": "try", "compensate": "action"}  # an operation, and which one it ends

CLAIM = """INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content)
           VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""
CLAIM_AFTER = """INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content)
                 SELECT %s, %s, 2, %s, 'done', %s WHERE EXISTS (
                     SELECT FROM tercet_barrier
                     WHERE transaction_id = %s AND branch_id = %s AND phase = 1 AND operation = %s AND outcome = 'done')
                 ON CONFLICT DO NOTHING"""
KEEP = "UPDATE tercet_barrier SET outcome = %s, answer = %s WHERE transaction_id = %s AND branch_id = %s AND phase = %s"
ROWS = """SELECT phase, operation, outcome, content, answer FROM tercet_barrier
          WHERE transaction_id = %s AND branch_id = %s"""


@dataclass(frozen=True)
class Call:
    """One call of Tercet: the three headers that identify it, and its body as it came."""
    transaction: str
    branch: str
    operation: str
    body: bytes

    @property
    def content(self):
        return hashlib.sha256(self.body).digest()[:16].hex()


@dataclass(frozen=True)
class Row:
    phase: int
    operation: str | None
    outcome: str | None
    content: str | None
    answer: bytes | None


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes | None


class Refused(Exception):
    """The business says no: nothing is changed, the answer is 409. Of a try it is kept, and stands."""
    def __init__(self, code, detail, status=409):
        super().__init__(detail)
        self.status = status
        problem = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "detail": detail, "code": code}
        self.body = json.dumps(problem).encode()


class Unlawful(Refused):
    """The barrier says no: the call is too late, or not possible after what was done. No row stays."""


class Barrier:
    def __init__(self, pool):
        self.pool = pool

    def run(self, call, business):
        """Runs `business(db, call)` once for this call, inside the open local transaction `db`; answers what it returned then."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.once(call, business)
            except (DeadlockDetected, SerializationFailure):
                if attempt == ATTEMPTS:
                    raise
                time.sleep(random.uniform(0, 0.005 * 2 ** attempt))

    def once(self, call, business):
        try:
            with self.pool.connection() as db:  # commits at its end; an exception rolls back
                return getattr(self, RULE[call.operation])(db, call, business)
        except Unlawful as refusal:
            return Answer(refusal.status, refusal.body)
        except Refused as refusal:
            if PHASE[call.operation] == 2:
                return Answer(refusal.status, refusal.body)
            with self.pool.connection() as db:  # the business change is rolled back; that it was refused must stay
                return self.keep_refusal(db, call, refusal)

    # One rule per operation: the row first, then the business, or what the rows say.

    def begin(self, db, call, business):
        """try, action, deliver: whoever takes the place acts."""
        if self.claim(db, call, PHASE[call.operation], "done"):
            return self.act(db, call, business)
        return self.duplicate(db, call)

    def confirm(self, db, call, business):
        if self.claim_after(db, call):
            return self.act(db, call, business)
        first, second = self.rows(db, call)
        if second.operation == call.operation:
            return self.said(second)
        if "cancel" in (first.operation, second.operation):
            raise Unlawful("confirm_after_cancel", "a confirm after the cancel: it was given back")
        raise Unlawful("confirm_without_try", "a confirm without a try that was done: there is nothing to take")

    def cancel(self, db, call, business):
        """cancel, compensate: takes the place of the try that never came, so that a late one runs into it."""
        if self.claim(db, call, 1, "void"):
            return Answer(200, None)
        if self.claim_after(db, call):
            return self.act(db, call, business)
        first, second = self.rows(db, call)
        if second.operation == "confirm":
            raise Unlawful("cancel_after_confirm", "a cancel after the confirm: it was taken")
        if first.outcome == "refused" and not second.operation:
            self.claim(db, call, 2, "void")
            return Answer(200, None)
        return self.said(second if second.operation else first)

    # What the rules are made of.

    def claim(self, db, call, phase, outcome):
        """Inserts the row; whether it was the first. A rival that is still open is waited for."""
        row = (call.transaction, call.branch, phase, call.operation, outcome, call.content)
        return db.execute(CLAIM, row).rowcount == 1

    def claim_after(self, db, call):
        """Inserts the row of an operation that ends another, if that one was done; whether it did."""
        row = (call.transaction, call.branch, call.operation, call.content)
        return db.execute(CLAIM_AFTER, (*row, call.transaction, call.branch, ENDS[call.operation])).rowcount == 1

    def act(self, db, call, business):
        answer = business(db, call)
        if answer is None:
            return Answer(200, None)
        body = json.dumps(answer).encode()
        self.keep(db, call, "done", body)
        return Answer(200, body)

    def keep(self, db, call, outcome, body):
        if len(body) > ANSWER_MAX:
            raise ValueError("an answer over 64 KiB cannot be kept")
        db.execute(KEEP, (outcome, body, call.transaction, call.branch, PHASE[call.operation]))

    def keep_refusal(self, db, call, refusal):
        if not self.claim(db, call, 1, "refused"):
            return self.duplicate(db, call)  # a duplicate or the cancel was faster: what it wrote stands
        self.keep(db, call, "refused", refusal.body)
        return Answer(refusal.status, refusal.body)

    def duplicate(self, db, call):
        row = self.rows(db, call)[PHASE[call.operation] - 1]
        if row.operation != call.operation:
            return self.late(call)
        if row.content not in (None, call.content):
            raise Unlawful("content_mismatch", "the same ids with another body", 422)
        return self.said(row)

    def late(self, call):
        raise Unlawful("late_try", f"the {call.operation} came after its cancel")

    def said(self, row):
        return Answer(409 if row.outcome == "refused" else 200, row.answer)

    def rows(self, db, call):
        """The rows of phase 1 and 2, empty ones where there are none."""
        found = {1: Row(1, None, None, None, None), 2: Row(2, None, None, None, None)}
        found.update((row[0], Row(*row)) for row in db.execute(ROWS, (call.transaction, call.branch)))
        return found[1], found[2]
