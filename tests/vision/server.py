"""An HTTP server on this machine, which can be as unreliable as a test asks it to be."""
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What the server gives: files by name. `ranges`: it answers requests for a part.
    `cuts`: after how many bytes the next answers break off; then it is whole again."""

    def __init__(self, files):
        self.files = files
        self.ranges = True
        self.cuts = []
        self.asked = []
        self.moved = {}
        self.address = None


@contextmanager
def serving(files):
    """A running server as a `Site`; `address` ends in a slash."""
    site = Site(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            name = self.path.lstrip("/")
            wanted = self.headers.get("Range")
            site.asked.append((name, wanted))
            if name in site.moved:
                self.send_response(302)
                self.send_header("Location", site.moved[name])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if name not in site.files:
                self.send_error(404)
                return
            content = site.files[name]
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
            if start and start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range",
                                 f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = site.cuts.pop(0) if site.cuts else len(content)
            self.wfile.write(content[start:start + end])
            if start + end < len(content):
                self.close_connection = True

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
