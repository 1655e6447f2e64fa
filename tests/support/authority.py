"""A time-stamping authority of a test's own, by `openssl ts`, that answers over HTTP as a test wants."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

_CONFIGURATION = """\
[tsa]
default_tsa = toy
[toy]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/tsa.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
"""


class ToyAuthority:
    """Stamps whatever it is sent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "serial").write_text("01\n")
        (folder / "tsa.conf").write_text(_CONFIGURATION.format(folder=folder))
        self.certificate = folder / "tsa.pem"
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=toy authority"),
            *("-addext", "extendedKeyUsage=critical,timeStamping"),
            *("-keyout", str(folder / "tsa.key"), "-out", str(self.certificate)),
        )
        #: What is answered instead of a stamp, and the status.
        self.instead: tuple[int, bytes] | None = None
        #: The content type and body of each query.
        self.asked: list[tuple[str, bytes]] = []

    def __enter__(self) -> Self:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                authority.asked.append((self.headers["Content-Type"], query))
                status, body = authority.instead or (200, authority.reply(query))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, query: bytes) -> bytes:
        """Return the response to a query."""
        (self._folder / "query.tsq").write_bytes(query)
        _openssl(
            *("ts", "-reply", "-config", str(self._folder / "tsa.conf"), "-section", "toy"),
            *("-queryfile", str(self._folder / "query.tsq"), "-out", str(self._folder / "reply.tsr")),
        )
        return (self._folder / "reply.tsr").read_bytes()

    def accepts(self, token: bytes, digest: bytes) -> bool:
        """Tell whether openssl finds a token to be this authority's stamp for a digest."""
        (self._folder / "token.tst").write_bytes(token)
        command = [
            *("openssl", "ts", "-verify", "-token_in", "-in", str(self._folder / "token.tst"), "-digest", digest.hex()),
            *("-CAfile", str(self.certificate)),
        ]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _openssl(*arguments: str) -> None:
    ended = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
