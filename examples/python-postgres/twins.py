"""Broken twins of the service: each has one classic fault, for seeing that a check of participants finds it.

    twins.py --list        the names
    twins.py FAULT         runs that one, with the settings of service.py

The service never imports this. A twin keeps its tables in a schema of its own, and without the checks on the figures where
these would hide the fault behind a 500.
"""
import argparse
import time
import uuid

from psycopg_pool import ConnectionPool

import service
from barrier import Answer, Barrier, Call, Refused

WINDOW = 0.02  # seconds: as long as a busy machine may stand still between two steps


class NoTombstone(Barrier):
    """An empty cancel answers success and leaves nothing: a late try reserves for ever."""
    def claim(self, db, call, phase, outcome):
        first = super().claim(db, call, phase, outcome)
        if first and (phase, outcome) == (1, "void"):
            db.execute("DELETE FROM tercet_barrier WHERE (transaction_id, branch_id, phase) = (%s, %s, 1)", (call.transaction, call.branch))
        return first


class BarrierInAnotherTransaction(Barrier):
    """The row is committed before the business change is begun: between the two, and after a refusal, it says what is not so."""
    def __init__(self, pool):
        super().__init__(pool)
        self.other = ConnectionPool(pool.conninfo, kwargs=pool.kwargs, max_size=service.THREADS, open=True)

    def claim(self, db, *row):
        return self.elsewhere(super().claim, *row)

    def claim_after(self, db, *row):
        return self.elsewhere(super().claim_after, *row)

    def elsewhere(self, claim, *row):
        with self.other.connection() as db:
            first = claim(db, *row)
        time.sleep(WINDOW if first else 0)
        return first

    def keep_refusal(self, db, call, refusal):
        return Answer(refusal.status, refusal.body)


class LookBeforeWrite(Barrier):
    """Looks whether the row is there, acts, and writes it then: two calls at once both see nothing."""
    def begin(self, db, call, business):
        if self.rows(db, call)[0].operation:
            return self.duplicate(db, call)
        time.sleep(WINDOW)
        answer = business(db, call)
        self.claim(db, call, 1, "done")
        return self.act(db, call, lambda *_: answer)


class CancelSkippedWhenTryFailed(Barrier):
    """Cancels only what was tried: the cancel of a try that was refused, or never came, fails."""
    def cancel(self, db, call, business):
        if self.rows(db, call)[0].outcome != "done":
            raise Refused("nothing_to_cancel", "there is no try that was done")
        return super().cancel(db, call, business)


class EmptyCancelGivesBack(Barrier):
    """An empty cancel gives back what was never reserved: somebody else's."""
    def cancel(self, db, call, business):
        if self.claim(db, call, 1, "void"):
            return self.act(db, call, business)
        return super().cancel(db, call, business)


class DuplicateRunsAgain(Barrier):
    """The row is there, and the business runs all the same."""
    def begin(self, db, call, business):
        if self.claim(db, call, 1, "done") or self.rows(db, call)[0].operation == call.operation:
            return self.act(db, call, business)
        return self.duplicate(db, call)


class ConfirmWithoutTry(Barrier):
    """Confirms what nobody reserved."""
    def confirm(self, db, call, business):
        if not self.rows(db, call)[0].operation and self.claim(db, call, 2, "done"):
            return self.act(db, call, business)
        return super().confirm(db, call, business)


class ConfirmAfterCancel(Barrier):
    """Confirms what was given back."""
    def confirm(self, db, call, business):
        try:
            return super().confirm(db, call, business)
        except Refused as refusal:
            if b"confirm_after_cancel" not in refusal.body:
                raise
            return Answer(200, business(db, call))


class CancelAfterConfirm(Barrier):
    """Gives back what was sold."""
    def cancel(self, db, call, business):
        try:
            return super().cancel(db, call, business)
        except Refused as refusal:
            if b"cancel_after_confirm" not in refusal.body:
                raise
            return Answer(200, business(db, call))


class AnswerNotKept(Barrier):
    """A duplicate is recognised, but gets another answer than the first call did."""
    def keep(self, db, call, outcome, body):
        super().keep(db, call, outcome, b"")


def anybody(operation):
    """Takes a call without identity for a new one: every duplicate of it runs again."""
    try:
        return service.identify(operation)
    except Refused:
        return Call(str(uuid.uuid4()), "anybody", operation, service.request.get_data())


# A name, and what is put in the place of the honest part.
FAULTS = {
    "no_tombstone": {"barrier": NoTombstone},
    "barrier_in_another_transaction": {"barrier": BarrierInAnotherTransaction, "prepare": service.create_tables},
    "look_before_write": {"barrier": LookBeforeWrite},
    "cancel_skipped_when_try_failed": {"barrier": CancelSkippedWhenTryFailed},
    "empty_cancel_gives_back": {"barrier": EmptyCancelGivesBack},
    "duplicate_runs_again": {"barrier": DuplicateRunsAgain},
    "confirm_without_try": {"barrier": ConfirmWithoutTry},
    "confirm_after_cancel": {"barrier": ConfirmAfterCancel},
    "cancel_after_confirm": {"barrier": CancelAfterConfirm},
    "answer_not_kept": {"barrier": AnswerNotKept},
    "no_identity_check": {"identify": anybody},
}


class List(argparse.Action):
    def __call__(self, parser, *_):
        print(*FAULTS, sep="\n")
        parser.exit()


def without_checks(pool, schema):
    service.create_tables(pool, schema)
    with pool.connection() as db:
        for figure in ("available", "reserved", "sold"):
            db.execute(f"ALTER TABLE stock DROP CONSTRAINT IF EXISTS stock_{figure}_check")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a broken twin of the service")
    parser.add_argument("--list", action=List, nargs=0, help="print the names of the faults")
    parser.add_argument("fault", choices=FAULTS, metavar="FAULT")
    chosen = service.settings(parser)
    chosen.schema = f"twin_{chosen.fault}"
    service.serve(chosen, **{"prepare": without_checks, **FAULTS[chosen.fault]})
