"""A participant that keeps a stock in PostgreSQL: HTTP in front of the barrier and the business.

Reads what comes, hands it to the barrier, answers what the barrier says. A fault is a 500 or 503, never a 409: nothing is
decided by it, and Tercet asks again. Next: barrier.py, stock.py, and docs/guides/participant.md for the rules.
"""
import argparse
import logging
import os
import re
import signal
import sys
from pathlib import Path

import psycopg
from flask import Flask, Response, request
from psycopg_pool import ConnectionPool, PoolTimeout
from waitress import create_server

import signature
import stock
from barrier import Barrier, Call, Refused

THREADS = 16  # each has a connection when it needs one, so nobody waits for the pool
BUSINESS = {"try": stock.reserve, "confirm": stock.sell, "cancel": stock.give_back}
ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
# One at a time: two services that start together would both create the tables.
ALONE = "SELECT pg_advisory_xact_lock(hashtext('tercet_barrier'))"


def identify(operation):
    """The call that the headers name; without them nobody could tell a duplicate."""
    named = [request.headers.get(f"Tercet-{name}", "") for name in ("Transaction", "Branch")]
    if not all(ID.fullmatch(name) for name in named) or request.headers.get("Tercet-Operation") != operation:
        raise Refused("identity_missing", f"Tercet-Transaction, Tercet-Branch and Tercet-Operation: {operation} are needed", 400)
    return Call(*named, operation, request.get_data())


def make_app(pool, barrier, identify, secret):
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024

    @app.post("/<any('try', confirm, cancel):operation>")
    def call(operation):
        if secret:
            signature.check(secret, request)
        answer = barrier.run(identify(operation), BUSINESS[operation])
        return respond(answer.status, answer.body)

    @app.get("/probe")
    def probe():
        with pool.connection() as db:
            return stock.figures(db, request.args.get("sku"))

    @app.get("/healthz")
    def healthz():
        with pool.connection() as db:
            db.execute("SELECT 1")
        return {"alive": True}

    @app.errorhandler(Refused)
    def refused(refusal):
        return respond(refusal.status, refusal.body)

    @app.errorhandler(psycopg.OperationalError)
    @app.errorhandler(PoolTimeout)
    def away(fault):
        app.logger.warning("the database: %s", fault)
        return {"detail": "the database is away or too busy"}, 503, {"Retry-After": "1"}

    return app


def respond(status, body):
    kind = "application/json" if status < 400 else "application/problem+json"
    return Response(body or b"", status, content_type=kind if body else None)


def create_tables(pool, schema):
    with pool.connection() as db:
        db.execute(ALONE)
        db.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        db.execute(Path(__file__).with_name("schema.sql").read_text())


def settings(parser=None):
    """Flags, and the environment where a flag is not given."""
    parser = parser or argparse.ArgumentParser(description="a stock in PostgreSQL, as a participant")
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"), help="DATABASE_URL")
    parser.add_argument("--schema", default=os.environ.get("DATABASE_SCHEMA", "public"), help="DATABASE_SCHEMA: where the tables are")
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"), help="HOST")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "0"), help="PORT: 0 picks a free one")
    parser.add_argument("--secret", default=os.environ.get("TERCET_SECRET"), help="TERCET_SECRET: calls must be signed with it")
    chosen = parser.parse_args()
    if not chosen.database_url:
        parser.error("DATABASE_URL is not set: postgresql://USER@HOST:PORT/DATABASE")
    return chosen


def serve(chosen, barrier=Barrier, identify=identify, prepare=create_tables):
    options = f'-c search_path="{chosen.schema}" -c statement_timeout=5s -c idle_in_transaction_session_timeout=10s'
    with ConnectionPool(chosen.database_url, kwargs={"options": options}, min_size=2, max_size=THREADS, timeout=2, open=True) as pool:
        pool.wait(timeout=10)
        prepare(pool, chosen.schema)
        app = make_app(pool, barrier(pool), identify, chosen.secret)
        server = create_server(app, host=chosen.host, port=chosen.port, threads=THREADS, connection_limit=1000, backlog=1024)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a call that waits for a thread is no news
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server ends what it has begun
        print(f"ready http={chosen.host}:{server.effective_port}", flush=True)
        server.run()


if __name__ == "__main__":
    serve(settings())
