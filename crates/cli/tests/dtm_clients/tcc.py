"""TCC as an application writes it with dtmcli: `tcc.py SCENARIO DTM SHOP`, SHOP being a participant's URL.

Amounts are taken from anna and given to bert, so that a participant with books can be the shop too.
"""

import sys
from threading import Thread

import inner
from dtmcli import tcc, utils
from told import tell

TAKE = {"account": "anna", "amount": -30}
GIVE = {"account": "bert", "amount": 30}
NOBODY = {"account": "nobody", "amount": 30}


def call(t, body, shop, first=None):
    """One branch of a shop; its try may be somewhere else."""
    t.call_branch(body, first or shop + "/try", shop + "/confirm", shop + "/cancel")


def flat(dtm, shop, bodies):
    """Two branches, one after the other."""

    def work(t):
        for body in bodies:
            call(t, body, shop)

    transact(dtm, work)


def nested(dtm, shop):
    """A branch whose service calls a branch of its own in its try; then another branch."""
    service = inner.Service(dtm, shop)
    Thread(target=service.serve_forever, daemon=True).start()

    def work(t):
        call(t, TAKE, shop, service.url + "/try")
        call(t, GIVE, shop)

    transact(dtm, work)


def transact(dtm, work):
    gid = utils.gen_gid(dtm)
    # It answers the transaction's id, or nothing when it aborted.
    tell(id=gid, committed=tcc.tcc_global_transaction(dtm, gid, work) == gid)


if __name__ == "__main__":
    scenario, dtm, shop = sys.argv[1:]
    match scenario:
        case "flat":
            flat(dtm, shop, [TAKE, GIVE])
        case "to_nobody":
            flat(dtm, shop, [TAKE, NOBODY])
        case "nested":
            nested(dtm, shop)
