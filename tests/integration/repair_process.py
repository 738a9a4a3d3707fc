"""
`muara rejected repair --yes` in a process that stands still at a step, to be killed there.

Why: a repair that is killed between sending and noting must leave an audit that says so, and be done again without harm.
Must not: change what a repair does up to that step.
"""

import json
import os
import signal
import sys
from pathlib import Path

from deploy import cli
from processors.publish.repaired import RepairedSender
from processors.store import repairs

VARIABLE = "MUARA_TEST_REPAIR"


def main() -> None:
    """Run the command line of the environment's variable; stop this process before or after its step."""
    told = json.loads(os.environ.pop(VARIABLE))
    stopped = Path(told["stopped"])

    def stop() -> None:
        stopped.touch()
        os.kill(os.getpid(), signal.SIGSTOP)

    real_send, real_done = RepairedSender.send, repairs.done
    if told["stop"] == "before sending":
        RepairedSender.send = lambda self, events: (stop(), real_send(self, events))[1]  # type: ignore[method-assign, func-returns-value]
    else:
        repairs.done = lambda conn, sent: (stop(), real_done(conn, sent))[1]  # type: ignore[func-returns-value]
    sys.argv = ["muara", *told["arguments"]]
    cli.main()


if __name__ == "__main__":
    main()
