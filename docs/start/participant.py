#!/usr/bin/env python3
"""A participant: a stock service with a correct barrier, in one file and without a library.

    python3 participant.py PORT DATABASE

POST /try, /confirm, /cancel with {"sku": "A", "n": 2}; GET / shows the stock. Ten pieces of A are there at first.
"""
import json
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, DATABASE = int(sys.argv[1]), sys.argv[2]


def connect():
    db = sqlite3.connect(DATABASE, timeout=10, isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    return db


with connect() as db:
    db.executescript("""
        CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, free INTEGER NOT NULL CHECK (free >= 0));
        CREATE TABLE IF NOT EXISTS holds (branch TEXT PRIMARY KEY, sku TEXT NOT NULL, n INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS barrier (branch TEXT, operation TEXT, cause TEXT, status INTEGER, answer TEXT,
            PRIMARY KEY (branch, operation));
        INSERT OR IGNORE INTO stock VALUES ('A', 10);
    """)


def seen(db, branch, operation):
    """(cause, status, answer) of an operation that was done before, or None."""
    query = "SELECT cause, status, answer FROM barrier WHERE branch = ? AND operation = ?"
    return db.execute(query, (branch, operation)).fetchone()


def operate(db, branch, operation, body):
    """Does one operation once; (status, answer). All of it is one database transaction, and the primary key of
    `barrier` stops whoever comes second at the same time: that one is rolled back, answers 500 and is asked again."""
    tried, known = seen(db, branch, "try"), seen(db, branch, operation)
    if operation == "try" and tried and tried[0] == "cancel":
        return 409, "a late try: it was cancelled before"
    if known:
        return known[1:]  # a duplicate gets the first answer
    if operation == "confirm" and (not tried or tried[1] != 200 or seen(db, branch, "cancel")):
        return 409, "there is nothing to confirm"
    if operation == "cancel" and seen(db, branch, "confirm"):
        return 409, "it is confirmed"
    status, answer = BUSINESS[operation](db, branch, body)
    keep = "INSERT INTO barrier VALUES (?, ?, ?, ?, ?)"
    db.execute(keep, (branch, operation, operation, status, answer))
    if operation == "cancel" and not tried:  # an empty cancel: the mark that a late try runs into
        db.execute(keep, (branch, "try", "cancel", 409, "cancelled before it came"))
    return status, answer


def hold(db, branch, body):
    query = "UPDATE stock SET free = free - ? WHERE sku = ? AND free >= ?"
    if db.execute(query, (body["n"], body["sku"], body["n"])).rowcount == 0:
        return 409, "sold out"
    db.execute("INSERT INTO holds VALUES (?, ?, ?)", (branch, body["sku"], body["n"]))
    return 200, "held"


def capture(db, branch, body):
    db.execute("DELETE FROM holds WHERE branch = ?", (branch,))
    return 200, "sold"


def release(db, branch, body):
    held = db.execute("SELECT sku, n FROM holds WHERE branch = ?", (branch,)).fetchone()
    if held:
        db.execute("UPDATE stock SET free = free + ? WHERE sku = ?", (held[1], held[0]))
        db.execute("DELETE FROM holds WHERE branch = ?", (branch,))
    return 200, "released"


BUSINESS = {"try": hold, "confirm": capture, "cancel": release}


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with connect() as db:
            free = dict(db.execute("SELECT sku, free FROM stock"))
            held = db.execute("SELECT coalesce(sum(n), 0) FROM holds").fetchone()[0]
        self.answer(200, {"free": free, "held": held})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        branch = self.headers["Tercet-Transaction"] + " " + self.headers["Tercet-Branch"]
        db = connect()
        try:
            db.execute("BEGIN IMMEDIATE")  # the barrier's row and the business change: both or neither
            status, text = operate(db, branch, self.headers["Tercet-Operation"], body)
            db.execute("COMMIT")
        finally:
            db.close()
        self.answer(status, {"detail": text})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        operation, attempt = self.headers.get("Tercet-Operation", "-"), self.headers.get("Tercet-Attempt", "-")
        print(self.headers.get("Tercet-Transaction", "-"), operation, "attempt", attempt, *words[2:3], flush=True)


server = ThreadingHTTPServer(("127.0.0.1", PORT), Service)
print(f"stock on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
