"""
Why a request is refused, and what the one who sent it is answered.

Why: every refusal is counted by its cause, and each tells the sender whether sending again can help.
Must not: carry anything of the request.
"""

from enum import Enum

from schemas.errors import Rejected

__all__ = ["Refusal", "RequestRefused"]


class Refusal(Enum):
    """A cause: the HTTP status, the words, and after how many seconds to try again where that helps."""

    NO_HTTP = 400, "no HTTP that can be read", 0
    NO_JSON = 400, "no JSON", 0
    TOO_DEEP = 400, "JSON nested too deeply", 0
    NO_DELIVERY = 400, "no delivery number", 0
    UNSIGNED = 401, "no signature or no time", 0
    OUTSIDE_WINDOW = 401, "time outside the window", 0
    WRONG_SIGNATURE = 401, "wrong signature", 0
    ANOTHER_PATH = 404, "another path", 0
    NOT_POST = 405, "another method", 0
    TOO_SLOW = 408, "too slow", 0
    NO_LENGTH = 411, "no length", 0
    TOO_LARGE = 413, "too large", 0
    TOO_MANY_RECORDS = 413, "too many records", 0
    NOT_JSON = 415, "another content type than application/json", 0
    ENCODED = 415, "an encoded body", 0
    TOO_FAST = 429, "too fast", 1
    TOO_MUCH_WAITS = 429, "too much waits", 1
    NOT_KEPT = 503, "cannot be kept now", 5
    LATE = 503, "not kept in time", 5
    STOPPING = 503, "stopping", 1
    TOO_MANY_CONNECTIONS = 503, "too many connections", 1

    def __init__(self, status: int, words: str, retry_after_s: int) -> None:
        """Take a member's parts."""
        self.status, self.words, self.retry_after_s = status, words, retry_after_s


class RequestRefused(Rejected):
    """a request is refused: {why}"""

    def __init__(self, refusal: Refusal) -> None:
        """Tell the cause."""
        self.refusal = refusal
        super().__init__(why=refusal.words)

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error cross a process border with its cause."""
        return RequestRefused, (self.refusal,)
