"""The demo's stage: who may set it up, and that everything on it ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy import children
from deploy.demo.kampung_tables import Databases
from deploy.demo.stage import Play, Stage
from deploy.embedded import Addresses, EmbeddedServices, Silent
from deploy.embedded.errors import AlreadyRunning
from deploy.settings import Settings

GIVEN = {"kafka": "127.0.0.1:9", "registry": "http://127.0.0.1:9", "database": "postgresql://127.0.0.1:9/none"}


def stage(folder: Path) -> Stage:
    """Return a stage in a folder, not yet set up."""
    return Stage(Settings.from_environ({"MUARA_DIRECTORY": str(folder)}), Play(), Silent())


@pytest.fixture
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stage have services without starting one."""
    monkeypatch.setattr(EmbeddedServices, "start", lambda *_, **__: real(Path("/nowhere"), **GIVEN))


real: Callable[..., EmbeddedServices] = EmbeddedServices.start


def test_a_refused_demo_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another demo has the services, its logs, spools and inbox stay as they are."""

    def refused(*_: object, **__: object) -> None:
        raise AlreadyRunning(folder=tmp_path, pid=1)

    monkeypatch.setattr(EmbeddedServices, "start", refused)
    kept = [tmp_path / "demo" / name / "kept" for name in ("log", "adapters", "inbox")]
    for one in kept:
        one.parent.mkdir(parents=True)
        one.touch()

    with pytest.raises(AlreadyRunning), stage(tmp_path):
        pass

    assert all(one.exists() for one in kept)


def test_addresses_that_are_given_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all three addresses given nothing is started, the demo plays there, and no second one in the same folder."""
    monkeypatch.setattr("deploy.demo.stage.refuse_used", lambda *_: None)
    told = Settings.from_environ({f"MUARA_{name.upper()}": one for name, one in {**GIVEN, "directory": str(tmp_path)}.items()})

    with Stage(told, Play(), Silent()) as played:
        assert played.addresses == Addresses(**GIVEN)
        assert played.own_database is None
        assert not (tmp_path / "demo" / "services").exists()
        with pytest.raises(AlreadyRunning), Stage(told, Play(), Silent()):
            pass
    with Stage(told, Play(), Silent()):
        pass


@pytest.mark.usefixtures("no_servers")
def test_a_stage_begins_empty(tmp_path: Path) -> None:
    """What an earlier demo has left is gone, and the folders are there."""
    (tmp_path / "demo" / "inbox").mkdir(parents=True)
    (tmp_path / "demo" / "inbox" / "old.csv").touch()

    with stage(tmp_path) as played:
        assert played.own_database == GIVEN["database"]
        assert sorted(one.name for one in played.directory.iterdir() if one.is_dir()) == ["adapters", "inbox", "log"]
        assert list((played.directory / "inbox").iterdir()) == []


@pytest.mark.usefixtures("no_servers")
def test_an_interrupted_end_still_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C while one part is ended leaves no other part running, and is not swallowed."""
    ended: list[str] = []

    class Part:
        """A supervisor, the world's process or the services, whose end is interrupted."""

        def __init__(self, name: str) -> None:
            self.name = name

        def start(self) -> None:
            """Start nothing."""

        def stop(self, *_: object) -> None:
            """Note the end, and be interrupted."""
            ended.append(self.name)
            raise KeyboardInterrupt

    def begun(command: list[str], *_: Any, **__: Any) -> Part:
        (tmp_path / "demo" / "world.json").write_text('{"url": "http://127.0.0.1:9"}')
        return Part(command[2])

    monkeypatch.setattr("deploy.demo.systems.prepare", lambda _: Databases("", ""))
    monkeypatch.setattr("deploy.demo.stage.Supervisor", lambda commands, *_: Part(commands[0][0]))
    monkeypatch.setattr(children, "start", begun)
    monkeypatch.setattr(children, "end", lambda processes: processes[0].stop())
    monkeypatch.setattr(EmbeddedServices, "stop", lambda _: Part("services").stop())

    def played() -> None:
        with stage(tmp_path) as one:
            one.open_world()
            one.start_processors()
            one.start_adapters()

    with pytest.raises(KeyboardInterrupt):
        played()

    assert ended == ["adapter carik", "worker 1", "publish 1", "deploy.demo.world", "services", "services"]
