"""A service that only says that it is well: what the process manager has to start, restart and stop."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.headers.get("Authorization", "").startswith("Bearer ") else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def stop(*_: object) -> None:
    sys.stdout.write("finished what was in hand\n")
    sys.stdout.flush()
    os._exit(0)


if os.environ.get("STUB_FAILS"):
    raise RuntimeError("the rules cannot be read")
signal.signal(signal.SIGTERM, stop)
HTTPServer((os.environ["NIANGJIA_HTTP_HOST"], int(os.environ["NIANGJIA_HTTP_PORT"])), Health).serve_forever()
