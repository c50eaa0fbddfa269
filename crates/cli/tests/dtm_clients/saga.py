"""Sagas as an application writes them with dtmcli: `saga.py SCENARIO DTM SHOP`."""

import json
import sys

from dtmcli import saga, utils
from told import outcome, tell

BODIES = [
    {"amount": 30, "text": 'ü "quoted" \\ \n FAILURE \u0000 \U0001f600'},
    [1, 2.50, None, True, {"deep": [[]]}],
    "a text alone",
]


def made(dtm, shop, bodies):
    gid = utils.gen_gid(dtm)
    made = saga.Saga(dtm, gid)
    for number, body in enumerate(bodies, 1):
        made.add(body, f"{shop}/a{number}", f"{shop}/c{number}")
    return gid, made


if __name__ == "__main__":
    scenario, dtm, shop = sys.argv[1:]
    gid, made = made(dtm, shop, BODIES)
    match scenario:
        case "waited":
            made.trans_base.wait_result = True
        case "with_headers":
            made.trans_base.branch_headers = {"x-shop": "seven"}
            made.trans_base.retry_interval = 1
    tell(id=gid, outcome=outcome(made.submit), bodies=[json.dumps(body) for body in BODIES])
