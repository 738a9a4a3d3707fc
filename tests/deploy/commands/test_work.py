"""`muara worker` begins anew by itself."""

import os
from typing import Any

import pytest

from deploy.commands import work


def test_a_machine_that_refuses_to_begin_anew_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Then the worker ends with its exit code instead, which is for whoever supervises; the cause is in the log."""

    def refused(*_: Any) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(os, "execv", refused)
    work._become_anew()

    assert caplog.messages == ["the worker cannot begin anew: Cannot allocate memory"]
