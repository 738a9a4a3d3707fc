"""`muara status` says where everything stands."""

from tests.deploy.commands.conftest import Said


def test_status_shows_a_dash_for_what_there_is_not(say: Said) -> None:
    """Where nothing waits for the fold, the oldest that waits is a dash."""
    shown = say("status")

    assert shown.returncode == 0, shown.stderr
    assert "oldest to fold               -" in shown.stdout.splitlines()
    assert "None" not in shown.stdout
