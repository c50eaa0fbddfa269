"""A participant: owns one amount, and reserves (try), takes (confirm) or gives back (cancel) a part of it.

python3 participant.py PORT DATABASE AMOUNT        what it must do, and why: docs/guides/participant.md
"""
import hashlib, json, re, sqlite3, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, DATABASE, AMOUNT = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
TABLES = f"""
    CREATE TABLE IF NOT EXISTS amount (one INTEGER PRIMARY KEY, free INTEGER CHECK (free >= 0), held INTEGER CHECK (held >= 0));
    INSERT OR IGNORE INTO amount VALUES (1, {AMOUNT}, 0);
    CREATE TABLE IF NOT EXISTS tercet_barrier (
        transaction_id TEXT NOT NULL, branch_id TEXT NOT NULL, phase INTEGER NOT NULL, operation TEXT NOT NULL, outcome TEXT NOT NULL,
        content TEXT, answer BLOB, created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)), PRIMARY KEY (transaction_id, branch_id, phase)
    ) WITHOUT ROWID;"""
CLAIM = "INSERT INTO tercet_barrier (transaction_id, branch_id, phase, operation, outcome, content) "
TRIED = "(SELECT 1 FROM tercet_barrier WHERE (transaction_id, branch_id, phase, operation, outcome) = (?1, ?2, 1, 'try', 'done'))"
CHANGE = {"try": "free = free - ?1, held = held + ?1 WHERE free >= ?1", "confirm": "held = held - ?1",
          "cancel": "free = free + ?1, held = held - ?1"}

ID = re.compile("[A-Za-z0-9._:/-]{1,128}")

class Refused(Exception): """Status and code: refused, and whatever was written is rolled back."""

def run(db, tx, branch, operation, content, n):
    """One operation inside one database transaction; answers the outcome that stands."""
    def claim(phase, outcome, condition="true"):  # the row first: the primary key decides who is first, between processes too
        row = (tx, branch, phase, operation, outcome, content)
        return db.execute(f"{CLAIM} SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE {condition} ON CONFLICT DO NOTHING", row).rowcount == 1
    def row(phase):
        found = "SELECT operation, outcome, content FROM tercet_barrier WHERE (transaction_id, branch_id, phase) = (?, ?, ?)"
        return db.execute(found, (tx, branch, phase)).fetchone() or (None, None, None)

    if operation == "cancel" and claim(1, "void"):
        return "void"  # an empty cancel: nothing to give back, and a late try runs into this row
    if claim(1, "done") if operation == "try" else claim(2, "done", f"EXISTS {TRIED}"):
        if db.execute(f"UPDATE amount SET {CHANGE[operation]}", (n,)).rowcount:
            return "done"
        raise Refused(409, "not_enough")
    first, second = row(1), row(2)  # somebody was faster, or there is nothing to end: the rows say which
    if operation == "try":
        if first[0] == "cancel": raise Refused(409, "late_try")
        if first[2] != content: raise Refused(422, "content_mismatch")
        return first[1]
    if second[0] == operation: return second[1]
    if operation == "confirm":
        raise Refused(409, "confirm_after_cancel" if "cancel" in (first[0], second[0]) else "confirm_without_try")
    if second[0] == "confirm": raise Refused(409, "cancel_after_confirm")
    if first[1] == "refused": claim(2, "void")
    return "void"

def answer(db, call):
    """The status and the code of a refusal."""
    try:
        with db:  # commits at its end, an exception rolls back: the barrier's row and the business change, or neither
            db.execute("BEGIN IMMEDIATE")
            return (409, "not_enough") if run(db, *call) == "refused" else (200, None)
    except Refused as refused:
        status, code = refused.args
    if code == "not_enough":  # that a try was refused must stay
        with db:
            kept = db.execute(f"{CLAIM} VALUES (?, ?, 1, ?, 'refused', ?) ON CONFLICT DO NOTHING", call[:4]).rowcount
        if not kept:
            return answer(db, call)  # a duplicate or the cancel was faster: what it wrote stands
    return status, code

class Participant(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        n = json.loads(body)["n"]
        ids = [self.headers.get(f"Tercet-{name}", "") for name in ("Transaction", "Branch", "Operation")]
        status, code = 400, "identity_missing"
        if all(ID.fullmatch(it) for it in ids) and ids[2] in CHANGE and type(n) is int and n > 0:
            db = sqlite3.connect(DATABASE, isolation_level=None)
            try:  # any other fault sends no answer: that is "unknown", and Tercet asks again
                status, code = answer(db, (*ids, hashlib.sha256(body).hexdigest()[:32], n))
            finally:
                db.close()
        problem = {"type": "about:blank", "title": code, "status": status, "detail": (code or "").replace("_", " "), "code": code}
        words = json.dumps(problem).encode() if code else b""
        self.send_response(status)
        if code: self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

with sqlite3.connect(DATABASE) as db:
    db.executescript(TABLES)
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", PORT), Participant).serve_forever()
