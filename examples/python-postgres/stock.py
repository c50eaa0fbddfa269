"""The business: pieces of a stock, reserved by a try, sold by a confirm, given back by a cancel.

Each function gets the open local transaction from the barrier and changes the table in it: it never commits, never opens
a connection of its own, and never calls anybody. One conditional statement each, so nothing is looked at before it is changed.
"""
import json

from barrier import Refused

RESERVE = """UPDATE stock SET available = available - %(n)s, reserved = reserved + %(n)s
             WHERE sku = %(sku)s AND available >= %(n)s RETURNING available"""
SELL = "UPDATE stock SET reserved = reserved - %(n)s, sold = sold + %(n)s WHERE sku = %(sku)s"
GIVE_BACK = "UPDATE stock SET available = available + %(n)s, reserved = reserved - %(n)s WHERE sku = %(sku)s"
FIGURES = """SELECT coalesce(sum(available), 0)::bigint, coalesce(sum(reserved), 0)::bigint, coalesce(sum(sold), 0)::bigint
             FROM stock WHERE sku = coalesce(%s, sku)"""


def wanted(call):
    """`{"sku", "n"}` of the body, or a refusal: what can never be done is refused by the try."""
    try:
        body = json.loads(call.body)
        sku, n = body["sku"], body["n"]
    except (ValueError, TypeError, KeyError):
        raise Refused("body_invalid", 'the body is not {"sku": …, "n": …}') from None
    if type(sku) is not str or type(n) is not int or not 0 < n < 2 ** 31:
        raise Refused("body_invalid", "`sku` is a string, `n` a whole number from 1")
    return {"sku": sku, "n": n}


def reserve(db, call):
    want = wanted(call)
    left = db.execute(RESERVE, want).fetchone()
    if left is None:
        raise Refused("out_of_stock", f"there are not {want['n']} of {want['sku']}")
    return {"sku": want["sku"], "reserved": want["n"], "left": left[0]}


def sell(db, call):
    change(db, SELL, wanted(call))


def give_back(db, call):
    change(db, GIVE_BACK, wanted(call))


def change(db, statement, want):
    if db.execute(statement, want).rowcount != 1:
        raise RuntimeError(f"{want} was reserved and is gone")


def figures(db, sku):
    """What is there, of one SKU or of all."""
    return dict(zip(("available", "reserved", "sold"), db.execute(FIGURES, (sku,)).fetchone()))
