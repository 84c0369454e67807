"""A stand-in for an object store that speaks S3: as much of the protocol as pyarrow's client uses, in memory.

Signatures are not checked, but a request without the access key is refused. Also as a process:
`python -m tests.object_server PORT` prints nothing and serves until it is killed.
"""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

ACCESS_KEY, SECRET = "stand-in", "secret-of-the-stand-in"
XML = '<?xml version="1.0" encoding="UTF-8"?>'


class Stored(NamedTuple):
    content: bytes
    modified: datetime

    @property
    def tag(self) -> str:
        return f'"{md5(self.content, usedforsecurity=False).hexdigest()}"'


class ObjectServer(ThreadingHTTPServer):
    """objects: by bucket/key, as everything here. parts: of uploads that are not complete. requests: the
    method and path of each."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.objects: dict[str, Stored] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.requests: list[tuple[str, str]] = []

    def url(self, folder: str) -> str:
        """Of a folder, as BARS_URL and RESEARCH_URL name it; the key is in AWS_ACCESS_KEY_ID."""
        host = f"127.0.0.1:{self.server_address[1]}"
        return f"s3://{folder}?region=us-east-1&scheme=http&endpoint_override={host}"


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    with ObjectServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ObjectServer

    def do_PUT(self) -> None:
        content = self._body()
        if "uploadId" in self.query:
            self.server.parts[self.query["uploadId"]][int(self.query["partNumber"])] = content
            self._answer(200, headers={"ETag": Stored(content, datetime.now(UTC)).tag})
        else:
            self._store(content)
            self._answer(200, headers={"ETag": self.server.objects[self.key].tag})

    def do_POST(self) -> None:
        body = self._body()
        if "uploads" in self.query:
            upload = str(len(self.server.parts) + 1)
            self.server.parts[upload] = {}
            self._xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
        elif "uploadId" in self.query:
            numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
            parts = self.server.parts[self.query["uploadId"]]
            self._store(b"".join(parts[number] for number in numbers))
            tag = escape(self.server.objects[self.key].tag)
            self._xml(f"<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>")
        else:
            self._answer(501)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self._body()
        if "/" not in self.key.rstrip("/"):
            if "list-type" in self.query:
                self._list()
            else:
                self._answer(200)
        elif (stored := self.server.objects.get(self.key)) is None:
            self._answer(
                404, b"" if self.command == "HEAD" else f"{XML}<Error><Code>NoSuchKey</Code></Error>".encode()
            )
        else:
            whole = stored.content
            headers = {"ETag": stored.tag, "Last-Modified": format_datetime(stored.modified, usegmt=True)}
            if (found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))) is None:
                self._answer(200, whole, headers)
                return
            first, last = int(found[1]), min(int(found[2] or len(whole)), len(whole) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(whole)}"
            self._answer(206, whole[first : last + 1], headers)

    def do_DELETE(self) -> None:
        self._body()
        self.server.objects.pop(self.key, None)
        self._answer(204)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self.server.requests.append((self.command, self.path))
        if f"Credential={ACCESS_KEY}/" not in self.headers.get("Authorization", ""):
            self._body()
            self._answer(403)
            return False
        return True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            content = b"".join(iter(self._chunk, b""))
        else:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return content
        decoded, left = b"", content
        while (size := int(left.partition(b"\r\n")[0].partition(b";")[0], 16)) > 0:
            left = left.partition(b"\r\n")[2]
            decoded, left = decoded + left[:size], left[size + 2 :]
        return decoded

    def _chunk(self) -> bytes:
        chunk = self.rfile.read(int(self.rfile.readline().partition(b";")[0], 16))
        self.rfile.readline()
        return chunk

    def _store(self, content: bytes) -> None:
        self.server.objects[self.key] = Stored(content, datetime.now(UTC))

    def _list(self) -> None:
        prefix, found, folders = f"{self.key.rstrip('/')}/{self.query.get('prefix', '')}", [], set()
        for key, stored in sorted(self.server.objects.items()):
            if not key.startswith(prefix):
                continue
            inside, deeper, _ = key.removeprefix(prefix).partition("/")
            if deeper and self.query.get("delimiter"):
                folders.add(f"{prefix}{inside}/")
                continue
            time = stored.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            found.append(
                f"<Contents><Key>{escape(key.partition('/')[2])}</Key><LastModified>{time}</LastModified>"
                f"<ETag>{escape(stored.tag)}</ETag><Size>{len(stored.content)}</Size></Contents>"
            )
        found += [
            f"<CommonPrefixes><Prefix>{escape(folder.partition('/')[2])}</Prefix></CommonPrefixes>"
            for folder in sorted(folders)
        ]
        count = f"<KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>"
        self._xml(f"<ListBucketResult>{count}{''.join(found)}</ListBucketResult>")

    def _xml(self, text: str) -> None:
        self._answer(200, f"{XML}{text}".encode(), {"Content-Type": "application/xml"})

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_request(self, *_: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    ObjectServer(int(sys.argv[1])).serve_forever()
