"""Messages as an application writes them with dtmcli: `message.py SCENARIO DTM SHOP [BANK MYSQL]`.

BANK is `bank.py`, which answers check-backs from the client's own table; MYSQL is where that table and the books are.
"""

import os
import sys

import books
from dtmcli import msg, utils
from told import outcome, tell


def made(dtm, shop):
    gid = utils.gen_gid(dtm)
    made = msg.Msg(dtm, gid).add({"amount": 30}, shop + "/d1").add({"amount": 40}, shop + "/d2")
    # The first check-back comes so soon.
    made.trans_base.timeout_to_fail = 1
    made.trans_base.retry_interval = 1
    return gid, made


def by_hand(dtm, shop, submits):
    """Prepared, and submitted or forgotten."""
    gid, message = made(dtm, shop)
    message.prepare(shop + "/check")
    if submits:
        message.submit()
    tell(id=gid)


def with_books(dtm, shop, bank, mysql, work):
    """The client's own pattern: prepare, a local transaction with the client's barrier, submit."""
    gid, message = made(dtm, shop)
    tell(id=gid)
    with books.cursor(mysql) as cursor:
        done = outcome(lambda: message.do_and_submit_db(bank + "/check", cursor, work))
    tell(id=gid, outcome=done)


def pay(cursor):
    books.change(cursor, "anna", -30)


def pay_and_die(cursor):
    """The local transaction is committed, and nobody submits."""
    pay(cursor)
    cursor.connection.commit()
    os._exit(7)


def die(cursor):
    """Nothing is committed, and nobody aborts."""
    pay(cursor)
    os._exit(7)


def refuse(cursor):
    pay(cursor)
    raise utils.DTMFailureError("anna has changed her mind")


if __name__ == "__main__":
    scenario, dtm, shop, *rest = sys.argv[1:]
    match scenario:
        case "submitted":
            by_hand(dtm, shop, True)
        case "forgotten":
            by_hand(dtm, shop, False)
        case _:
            works = {"pays": pay, "pays_and_dies": pay_and_die, "dies": die, "refuses": refuse}
            with_books(dtm, shop, *rest, works[scenario])
