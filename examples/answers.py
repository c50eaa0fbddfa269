"""Answers every call with the code that ends its path, and prints what was asked: /stock/409 refuses.

python3 answers.py PORT        to try patterns out; it has no barrier, see participant.py for one
"""
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path, _, query = self.path.partition("?")  # a call in DTM's protocol says in its query who it is for
        who = [query] if query else [self.headers[f"Tercet-{it}"] for it in ("Transaction", "Branch", "Operation", "Attempt")]
        print(*who, body.decode(), flush=True)
        code = int(path.rsplit("/", 1)[1])
        answer = body if code == 200 else b""
        self.send_response(code)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_): pass

ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
