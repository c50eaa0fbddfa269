"""A participant: owns one amount, and reserves (try), takes (confirm) or gives back (cancel) a part of it.

python3 participant.py PORT DATABASE AMOUNT        what it must do, and why: docs/guides/participant.md
"""
import json, sqlite3, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, DATABASE, AMOUNT = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
TABLES = f"""
    CREATE TABLE IF NOT EXISTS amount (one INTEGER PRIMARY KEY, free INTEGER CHECK (free >= 0), held INTEGER CHECK (held >= 0));
    CREATE TABLE IF NOT EXISTS barrier (tx TEXT, branch TEXT, operation TEXT, answer INTEGER, PRIMARY KEY (tx, branch, operation));
    INSERT OR IGNORE INTO amount VALUES (1, {AMOUNT}, 0);"""

class Unlawful(Exception): """A confirm of nothing, or confirm and cancel of the same: refused, and no row stays."""

def run(db, tx, branch, operation, n):
    """One operation inside one database transaction; answers the HTTP status."""
    def first(operation, answer):  # the primary key decides who is first, between processes too
        return db.execute("INSERT OR IGNORE INTO barrier VALUES (?, ?, ?, ?)", (tx, branch, operation, answer)).rowcount == 1
    def said(operation):
        row = db.execute("SELECT answer FROM barrier WHERE (tx, branch, operation) = (?, ?, ?)", (tx, branch, operation)).fetchone()
        return row and row[0]

    if not first(operation, 200):
        return said(operation)  # a duplicate, or a late try: the first answer stands
    if operation == "try":
        if db.execute("UPDATE amount SET free = free - ?1, held = held + ?1 WHERE free >= ?1", (n,)).rowcount:
            return 200
        db.execute("UPDATE barrier SET answer = 409 WHERE (tx, branch, operation) = (?, ?, 'try')", (tx, branch))
        return 409
    if operation == "cancel" and not said("confirm"):
        if not first("try", 409) and said("try") == 200:  # if first: an empty cancel, and a late try runs into this row
            db.execute("UPDATE amount SET free = free + ?1, held = held - ?1", (n,))
        return 200
    if operation == "confirm" and not said("cancel") and said("try") == 200:
        db.execute("UPDATE amount SET held = held - ?", (n,))
        return 200
    raise Unlawful

class Participant(BaseHTTPRequestHandler):
    def do_POST(self):
        n = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["n"]
        tx, branch, operation = (self.headers[f"Tercet-{name}"] for name in ("Transaction", "Branch", "Operation"))
        code = 400 if not (tx and branch and operation and type(n) is int and n > 0) else 409
        db = sqlite3.connect(DATABASE, isolation_level=None)
        try:
            if code != 400:
                db.execute("BEGIN IMMEDIATE")
                code = run(db, tx, branch, operation, n)
                db.execute("COMMIT")  # the barrier's row and the business change, or neither
        except Unlawful:
            pass  # 409; closing without COMMIT rolls back
        finally:
            db.close()  # any other fault sends no answer: that is "unknown", and Tercet asks again
        words = {200: b"", 400: b"not a call", 409: b"not enough is free, or too late"}[code]
        self.send_response(code)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

with sqlite3.connect(DATABASE) as db:
    db.executescript(TABLES)
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", PORT), Participant).serve_forever()
