"""Opens the page in Debian's Chromium, without a window, and waits until it says
that it is done: page.py BUNDLE PORT DSN MARKER LIFECYCLE"""

import http.server
import subprocess
import sys
import tempfile
import threading
import urllib.parse

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions",
    # Nobody is asked for an address: whatever is not on this machine does not exist.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, body = "text/html", b'<!doctype html><script type="module" src="app.js"></script>'
        if self.path == "/app.js":
            kind, body = "text/javascript", self.server.bundle
        self.answer(kind, body)

    def do_POST(self):
        self.server.result = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer("text/plain", b"")
        self.server.done.set()

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def main(bundle, port, dsn, marker, lifecycle):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Pages)
    server.done = threading.Event()
    server.result = "the page did not say that it is done"
    with open(bundle, "rb") as f:
        server.bundle = f.read()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    query = urllib.parse.urlencode({"dsn": dsn, "marker": marker, "lifecycle": lifecycle})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            ["chromium", *ARGUMENTS, f"--user-data-dir={profile}",
             f"http://127.0.0.1:{server.server_port}/?{query}"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.done.wait(60)
        browser.terminate()
        browser.wait()
    sys.exit(server.result or 0)


main(*sys.argv[1:])
