"""Downloads: verified, resumed, made anew where damaged, made once by two at a time."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import stamina

from deploy.embedded import Repository, Silent
from deploy.embedded.artifacts import Artifact
from deploy.embedded.errors import CorruptDownload, DownloadFailed, FolderNotMade, NotInRepository
from deploy.embedded.fetch import fetch

LABELS = {"kafka": "Kafka"}


class Mirror(ThreadingHTTPServer):
    """A Maven repository on the loopback interface, which can be told to misbehave."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.damaged = 0
        """How many answers still come with a wrong byte."""
        self.busy = 0
        """How many answers are still refused."""
        self.cut = 0
        """How many answers still end in their middle."""
        self.ranges = True

    def offer(self, name: str, content: bytes) -> Artifact:
        """Offer a file under a coordinate, and return its artifact."""
        artifact = Artifact("kafka", f"org.example:{name}:1.0", hashlib.sha256(content).hexdigest(), len(content))
        self.files[f"/{artifact.path}"] = content
        return artifact


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Mirror

    def do_GET(self) -> None:
        """Answer with the file, or a part of it, as the mirror has been told."""
        wanted, mirror = self.headers.get("Range"), self.server
        mirror.asked.append((self.path, wanted))
        if mirror.busy:
            mirror.busy -= 1
            self.send_error(503)
            return
        if self.path not in mirror.files:
            self.send_error(404)
            return
        content = mirror.files[self.path]
        if mirror.damaged:
            mirror.damaged -= 1
            content = b"!" + content[1:]
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and mirror.ranges else 0
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        end = len(content)
        if mirror.cut:
            mirror.cut -= 1
            end = begin + (end - begin) // 2
        self.wfile.write(content[begin:end])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Stay quiet."""


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A repository that runs during the test; waits between tries are left out."""
    with Mirror() as server, stamina.set_testing(True, attempts=3):
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def repository(mirror: Mirror, tmp_path: Path) -> Repository:
    """An empty cache in front of the mirror."""
    return Repository(cache=tmp_path, address=f"http://127.0.0.1:{mirror.server_port}/")


def fetched(artifacts: list[Artifact], repository: Repository) -> list[bytes]:
    """Fetch as a start does, and return the contents."""
    with repository.locked(Silent()):
        return [file.read_bytes() for file in fetch(artifacts, repository, Silent(), LABELS)]


def test_fetched_once(mirror: Mirror, repository: Repository) -> None:
    """Files are fetched from their Maven paths, and not again."""
    artifacts = [mirror.offer(f"jar{number}", b"%d" % number * 1000) for number in range(20)]

    first, second = fetched(artifacts, repository), fetched(artifacts, repository)

    assert first == second == [mirror.files[f"/{artifact.path}"] for artifact in artifacts]
    assert sorted(path for path, _ in mirror.asked) == sorted(mirror.files)


def test_damaged_in_the_cache(mirror: Mirror, repository: Repository) -> None:
    """A file that has changed in the cache is noticed, size kept or not, and fetched again."""
    artifact = mirror.offer("jar", b"right" * 100)
    for damage in (b"wrong" * 100, b"short"):
        fetched([artifact], repository)
        repository.file(artifact).write_bytes(damage)
        assert fetched([artifact], repository) == [b"right" * 100]


def test_damaged_on_the_way(mirror: Mirror, repository: Repository) -> None:
    """A file that arrives damaged is fetched once more."""
    artifact = mirror.offer("jar", b"right" * 100)
    mirror.damaged = 1

    assert fetched([artifact], repository) == [b"right" * 100]


def test_damaged_for_good(mirror: Mirror, repository: Repository) -> None:
    """A file that arrives damaged twice ends the command, naming both hashes, and leaves nothing behind that looks right."""
    artifact = mirror.offer("jar", b"right" * 100)
    mirror.damaged = 2

    with pytest.raises(CorruptDownload, match=rf"org.example:jar:1.0 arrived with SHA-256 \w{{64}} instead of {artifact.sha256}, twice"):
        fetched([artifact], repository)

    assert list(repository.file(artifact).parent.iterdir()) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_resumed(mirror: Mirror, repository: Repository, ranges: bool) -> None:
    """What a killed start has received is not fetched again, unless the repository cannot give parts."""
    artifact = mirror.offer("jar", bytes(range(200)))
    file = repository.file(artifact)
    file.parent.mkdir(parents=True)
    file.with_name(f"{file.name}.{artifact.sha256[:8]}.part").write_bytes(bytes(range(120)))
    mirror.ranges = ranges

    assert fetched([artifact], repository) == [bytes(range(200))]
    assert mirror.asked == [(f"/{artifact.path}", "bytes=120-")]


def test_broken_off(mirror: Mirror, repository: Repository) -> None:
    """A connection that ends early is taken up where it ended, and a busy repository is asked again."""
    artifact = mirror.offer("jar", bytes(range(200)))
    mirror.cut, mirror.busy = 1, 1

    assert fetched([artifact], repository) == [bytes(range(200))]
    assert [wanted for _, wanted in mirror.asked] == [None, None, "bytes=100-"]


def test_not_there(mirror: Mirror, repository: Repository) -> None:
    """A repository that lacks a file is named, with the remedy."""
    artifact = mirror.offer("jar", b"")
    mirror.files.clear()

    with pytest.raises(NotInRepository, match=r"answers 404 for org.example:jar:1.0: name a complete mirror .* in MUARA_MAVEN"):
        fetched([Artifact(artifact.server, artifact.coordinate, artifact.sha256, 1)], repository)


def test_nobody_there(mirror: Mirror, repository: Repository) -> None:
    """A repository that does not answer is named, with the remedy, after some tries."""
    artifact = mirror.offer("jar", b"x")
    mirror.busy = 100

    with pytest.raises(DownloadFailed, match=r"jar:1.0 could not be fetched from .* \(status 503\): check the network, or name"):
        fetched([artifact], repository)

    assert len(mirror.asked) == 3


def test_two_at_once(mirror: Mirror, repository: Repository) -> None:
    """Two starts at the same time both get everything, and fetch it once."""
    artifacts = [mirror.offer(f"jar{number}", b"%d" % number * 1000) for number in range(20)]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: fetched(artifacts, repository), range(2))

    assert first == second
    assert len(mirror.asked) == len(artifacts)


def test_a_cache_that_cannot_be_made(mirror: Mirror, tmp_path: Path) -> None:
    """A cache folder that cannot be made is named with the reason."""
    tmp_path.joinpath("file").touch()

    with pytest.raises(FolderNotMade, match=r"file/cache cannot be made or written \(Not a directory\)"):
        fetched([mirror.offer("jar", b"x")], Repository(cache=tmp_path / "file" / "cache"))


def test_settings(tmp_path: Path) -> None:
    """The environment names cache and repository; without it the cache is the user's and Maven Central is meant, by jgo's word."""
    assert Repository.from_environ({"MUARA_CACHE": str(tmp_path), "MUARA_MAVEN": "http://mirror/"}).base() == "http://mirror"
    assert Repository.from_environ({"MUARA_CACHE": str(tmp_path)}).cache == tmp_path
    assert Repository.from_environ({}).cache.name == "muara"
    assert Repository.from_environ({}).base().startswith("https://")
