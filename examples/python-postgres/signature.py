"""Proves that a call comes from the coordinator: an HMAC over the time, the address, the identity and the body.

`Tercet-Signature: t=UNIX_SECONDS,v1=HEX,v2=HEX`, v2 being HMAC-SHA256(secret, "{t}\\n{METHOD}\\n{path?query}\\n{transaction}\\n
{branch}\\n{operation}\\n" + body). v1 leaves out the identity and is for those who know no v2: it is not looked at.
"""
import hashlib
import hmac
import re
import time

from barrier import Refused

TOLERANCE = 300  # seconds: how old a call may be, and how far the clocks may be apart
IDENTITY = ("Tercet-Transaction", "Tercet-Branch", "Tercet-Operation")
TIME, CODE = re.compile(r"[0-9]{1,12}"), re.compile(r"[0-9a-f]{64}")


def check(secret, request):
    fields = dict(field.split("=", 1) for field in request.headers.get("Tercet-Signature", "").split(",") if "=" in field)
    seconds, given = fields.get("t", ""), fields.get("v2", "")
    fresh = TIME.fullmatch(seconds) and abs(time.time() - int(seconds)) <= TOLERANCE
    if not fresh or not CODE.fullmatch(given) or not hmac.compare_digest(sign(secret, seconds, request), given):
        raise Refused("signature_invalid", "the signature is missing, too old or wrong", 401)


def sign(secret, seconds, request):
    lines = [seconds, request.method, request.environ["REQUEST_URI"], *(request.headers.get(name, "") for name in IDENTITY), ""]
    return hmac.new(secret.encode(), "\n".join(lines).encode() + request.get_data(), hashlib.sha256).hexdigest()
