"""A participant with books in MariaDB, guarded by the client's own barrier: `bank.py MYSQL`.

`/try`, `/confirm` and `/cancel` take part in a TCC, `/check` tells what became of a message's local transaction, `/books` shows
the accounts. It serves until it is ended, and says `ready http=HOST:PORT` first.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import books
from dtmcli import utils
from dtmcli.barrier import BranchBarrier

ACTS = {"/try": books.hold, "/confirm": books.take, "/cancel": books.let_go}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def answer(self):
        place = urlsplit(self.path)
        named = dict(parse_qsl(place.query))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if place.path == "/books":
            return self.say(200, shown(self.server.mysql))
        guard = BranchBarrier(named["trans_type"], named["gid"], named["branch_id"], named["op"])
        try:
            with books.cursor(self.server.mysql) as at:
                if place.path == "/check":
                    guard.query_prepared(at)
                else:
                    asked = json.loads(body)
                    act = ACTS[place.path]
                    guard.call(at, lambda at: act(at, asked["account"], asked["amount"]))
            self.say(200, {"dtm_result": "SUCCESS"})
        except utils.DTMFailureError as refused:
            self.say(409, {"dtm_result": "FAILURE", "message": str(refused)})
        except Exception as fault:
            self.say(500, {"message": str(fault)})

    do_GET = do_POST = answer

    def say(self, status, words):
        text = json.dumps(words).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Nothing: the test tells what matters."""


def shown(mysql):
    with books.cursor(mysql) as at:
        at.execute("select id, balance, held from accounts")
        return {account: [balance, held] for account, balance, held in at.fetchall()}


if __name__ == "__main__":
    (mysql,) = sys.argv[1:]
    books.open_books(mysql)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.mysql = mysql
    print(f"ready http=127.0.0.1:{server.server_port}", flush=True)
    # The client prints every statement: for nobody.
    sys.stdout = open(os.devnull, "w")
    server.serve_forever()
