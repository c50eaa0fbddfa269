"""Proves that a call comes from the coordinator: an HMAC over the time, the address and the body.

`Tercet-Signature: t=UNIX_SECONDS,v1=HEX`, HEX being HMAC-SHA256(secret, "{t}\\n{METHOD}\\n{path?query}\\n" + body).
"""
import hashlib
import hmac
import re
import time

from barrier import Refused

TOLERANCE = 300  # seconds: how old a call may be, and how far the clocks may be apart
SHAPE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def check(secret, request):
    given = SHAPE.fullmatch(request.headers.get("Tercet-Signature", ""))
    if not given or abs(time.time() - int(given[1])) > TOLERANCE or not hmac.compare_digest(sign(secret, given[1], request), given[2]):
        raise Refused("signature_invalid", "the signature is missing, too old or wrong", 401)


def sign(secret, seconds, request):
    text = f"{seconds}\n{request.method}\n{request.environ['REQUEST_URI']}\n".encode() + request.get_data()
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
