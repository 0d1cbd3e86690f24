"""A model hub on loopback: it answers the requests of the hub's client as the real hub does, errors included.

A small file comes from its own address, with git's hash as ETag. A large file comes by a redirect to another
host, as from a content delivery network, with its SHA-256.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".h5", ".msgpack", ".onnx")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repository:
    """Commits with their files, and the commits that branches, tags and pull requests mean."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    token: str | None = None  # a private repository is read with it

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        """Add a commit, and let `ref` mean it."""
        names = json.dumps({name: sha256(content) for name, content in files.items()}, sort_keys=True)
        commit = hashlib.sha1(f"{len(self.commits)} {names}".encode()).hexdigest()
        self.commits[commit] = files
        self.refs[ref] = commit
        return commit


@dataclass
class Hub:
    """The hub: repositories, names that have moved, the requests so far, and the faults to come."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)  # "GET /path", in order
    faults: dict[str, Callable[["Handler"], bool]] = field(default_factory=dict)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self, where: str, what: Callable[["Handler"], bool]) -> None:
        """Let `what` answer the requests that begin with `where`; `what` returns whether it has answered."""
        self.faults[where] = what

    def downloads(self) -> list[str]:
        """Return the names of the files that were sent; large files have their hash for a name."""
        return [
            request.rpartition("/")[2]
            for request in self.requests
            if request.startswith("GET") and "/api/" not in request and not request.endswith(LARGE)
        ]


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a hub without repositories."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HandlerOfHub", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    # What faults change about the answer to the request that is being answered.
    forged: Mapping[str, str] = MappingProxyType({})
    misdescribe: Callable[[dict[str, Any]], None] = staticmethod(lambda about: None)

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def fail(self, status: int, code: str = "", message: str = "", commit: str = "") -> bool:
        """Answer with an error in the hub's own form."""
        headers = {"X-Error-Code": code, "X-Error-Message": message, "X-Repo-Commit": commit}
        self.respond(status, b"", headers)
        return True

    def respond(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers | dict(self.forged)).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        request = f"{self.command} {path}"
        self.hub.requests.append(request)
        self.forged, self.misdescribe = {}, lambda about: None
        for where, fault in list(self.hub.faults.items()):
            if request.startswith(where) and fault(self):
                return
        if path.startswith("/cdn/"):
            return self._send_large(path.removeprefix("/cdn/"))
        is_api = path.startswith("/api/models/")
        kind = "/revision/" if is_api else "/resolve/"
        name, _, rest = path.removeprefix("/api/models" if is_api else "").partition(kind)
        name = name.strip("/")
        if name in self.hub.moved:
            self.respond(307, b"", {"Location": self.path.replace(name, self.hub.moved[name], 1)})
            return
        repository = self.hub.repositories.get(name)
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given == "invalid":
            self.fail(401, message="Invalid credentials in Authorization header")
        elif repository is None or (repository.token and repository.token != given):
            self.fail(404 if given else 401, "RepoNotFound", "Repository not found")
        elif is_api:
            self._describe(name, repository, rest or "main")
        else:
            self._send(repository, rest)

    def _describe(self, name: str, repository: Repository, revision: str) -> None:
        commit = repository.refs.get(revision, revision)
        files = repository.commits.get(commit)
        if files is None:
            self.fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        siblings = []
        for file, content in files.items():
            sibling = {"rfilename": file, "size": len(content), "blobId": git_hash(content)}
            if file.endswith(LARGE):
                sibling["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 134}
            siblings.append(sibling)
        about = {
            "id": name,
            "modelId": name,
            "sha": commit,
            "siblings": siblings,
            "private": False,
            "tags": [],
        }
        self.misdescribe(about)
        self.respond(200, json.dumps(about).encode(), {"Content-Type": "application/json"})

    def _send(self, repository: Repository, rest: str) -> None:
        revision = max(
            (ref for ref in {*repository.refs, *repository.commits} if rest.startswith(ref + "/")),
            key=len,
            default="",
        )
        commit = repository.refs.get(revision, revision)
        if commit not in repository.commits:
            self.fail(404, "RevisionNotFound", "Invalid rev id")
            return
        content = repository.commits[commit].get(rest.removeprefix(revision + "/"))
        if content is None:
            self.fail(404, "EntryNotFound", "Entry not found", commit)
            return
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if rest.endswith(LARGE):
            large = {
                "X-Linked-Etag": f'"{sha256(content)}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"http://localhost:{self.hub.port}/cdn/{sha256(content)}",
            }
            self.respond(302, b"", headers | large)
        else:
            self.respond(200, content, headers | {"ETag": f'"{git_hash(content)}"'})

    def _send_large(self, name: str) -> None:
        content = self.large(name)
        first = self.first_byte()
        headers = {"ETag": f'"{name}"', "Accept-Ranges": "bytes"}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self.respond(206 if first else 200, content[first:], headers)

    def large(self, name: str) -> bytes:
        """Return the content of the file with this hash."""
        return next(
            content
            for repository in self.hub.repositories.values()
            for files in repository.commits.values()
            for content in files.values()
            if sha256(content) == name
        )

    def first_byte(self) -> int:
        """Return the first byte that the client asks for, when it resumes a download."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])


def status(code: int, error_code: str = "", message: str = "") -> Callable[[Handler], bool]:
    """Return a fault: the server answers with an error."""
    return lambda handler: handler.fail(code, error_code, message)


def silent(seconds: float) -> Callable[[Handler], bool]:
    """Return a fault: the server waits, and then closes the connection without an answer."""

    def fault(handler: Handler) -> bool:
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return fault


def forged(headers: Mapping[str, str]) -> Callable[[Handler], bool]:
    """Return a fault: the answer has these headers, in place of others of the same names."""

    def fault(handler: Handler) -> bool:
        handler.forged = headers
        return False

    return fault


def misdescribed(change: Callable[[dict[str, Any]], None]) -> Callable[[Handler], bool]:
    """Return a fault: what the server says about a repository is changed."""

    def fault(handler: Handler) -> bool:
        handler.misdescribe = change
        return False

    return fault


def cut(after: int, times: int) -> Callable[[Handler], bool]:
    """Return a fault: the connection breaks in the middle of a large file, as often as `times`."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if not left[0]:
            return False
        left[0] -= 1
        content = handler.large(handler.path.rpartition("/")[2])[handler.first_byte() :]
        handler.send_response(206 if handler.first_byte() else 200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:after])
        handler.wfile.flush()
        handler.close_connection = True
        return True

    return fault


def altered(change: Callable[[bytes], bytes]) -> Callable[[Handler], bool]:
    """Return a fault: a large file arrives with other content."""

    def fault(handler: Handler) -> bool:
        handler.respond(200, change(handler.large(handler.path.rpartition("/")[2])), {})
        return True

    return fault
