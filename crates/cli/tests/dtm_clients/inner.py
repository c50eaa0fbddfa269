"""A service that takes part in a TCC and has a branch of its own: its try registers a sub-branch with the coordinator."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from dtmcli import tcc


class Service(ThreadingHTTPServer):
    """Serves `/try`. The client for Python does not say where the coordinator is, so the service knows it."""

    daemon_threads = True

    def __init__(self, dtm, shop):
        super().__init__(("127.0.0.1", 0), Handler)
        self.dtm, self.shop = dtm, shop
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        named = dict(parse_qsl(urlsplit(self.path).query))
        shop = self.server.shop
        t = tcc.tcc_from_req(self.server.dtm, named["gid"], named["branch_id"])
        t.call_branch({"inside": body}, shop + "/inner", shop + "/confirm", shop + "/cancel")
        answer = b'{"dtm_result":"SUCCESS"}'
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Nothing: the test tells what matters."""
