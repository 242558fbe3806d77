"""The error family of the project: each message says what was wrong, where, and what to do.

The command line prints one line and exits with 2; the Python interface raises.
"""

from __future__ import annotations


class BokehbenchError(Exception):
    """Base of every error that a user can mend; `str(error)` is one line."""


class InputError(BokehbenchError):
    """A file, folder or array that cannot be used."""


class ConfigError(BokehbenchError):
    """An option, a recipe field or a name that is unknown or out of range."""


class BadImage(InputError):
    """An image file that cannot be used as asked.

    Attributes:
        path: the file.
        code: a stable short reason, for example ``E_UNREADABLE`` (docs/conventions.md lists them).
    """

    def __init__(self, path: object, code: str, message: str) -> None:
        super().__init__(f"{path}: {message} [{code}]")
        self.path = str(path)
        self.code = code
        self._message = message

    def __reduce__(self) -> tuple[type[BadImage], tuple[str, str, str]]:
        """Pickled by its three parts, so that it survives the way from a worker process."""
        return type(self), (self.path, self.code, self._message)


class Undefined(BokehbenchError):
    """A number that is not defined on these images; says why."""


class Unavailable(BokehbenchError):
    """Something real is missing (weights, an optional package, a device); says how to get it."""


class JobFailed(BokehbenchError):
    """A unit of work raised or its process died; carries the key of the unit."""
