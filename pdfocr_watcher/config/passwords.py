"""The passwords for encrypted PDFs: a file that the configuration names, outside of what is shared.

One password a line; a line may hold anything but a NUL, and nothing in it is a comment. What a password is tried on is
decided elsewhere. No message tells more of the file than which line is wrong.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: Each is tried in turn on every encrypted document.
MOST_PASSWORDS = 100
#: Bytes that a password of a PDF may have (ISO 32000-2, 7.6.4.3.3).
_LONGEST = 127
_MOST_BYTES = MOST_PASSWORDS * (_LONGEST + 2)


@dataclass(frozen=True, slots=True)
class PasswordsFile:
    """A file of passwords; it is read each time that some are wanted, so that a new one needs no restart.

    Attributes:
        path: where it lies.
    """

    path: Path

    @classmethod
    def named(cls, setting: str) -> "PasswordsFile | None":
        """The file that `render.passwords_file` names; None where it names none."""
        return cls(Path(setting).expanduser()) if setting else None

    def read(self) -> tuple[bytes, ...]:
        """The passwords, in order, each once; blocking.

        Raises:
            PdfocrError: CONFIG_INVALID, it cannot be read, others may read it, or it has what no password can be.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                content = file.read(_MOST_BYTES + 1) if stat.S_ISREG(found.st_mode) else b""
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise _fault(f"{self.path} cannot be read: {said}") from error
        if not stat.S_ISREG(found.st_mode):
            raise _fault(f"{self.path} is no file")
        if found.st_mode & 0o007:
            raise _fault(f"{self.path} is open to all users of this machine; `chmod o= {self.path}` closes it")
        lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
        for number, line in enumerate(lines, 1):
            if b"\0" in line or len(line) > _LONGEST:
                raise _fault(
                    f"line {number} of {self.path} is no password: it has a NUL, or more than {_LONGEST} bytes"
                )
        passwords = tuple(dict.fromkeys(filter(None, lines)))
        if len(passwords) > MOST_PASSWORDS or len(content) > _MOST_BYTES:
            raise _fault(f"{self.path} has more than {MOST_PASSWORDS} passwords")
        return passwords


def _fault(text: str) -> PdfocrError:
    return PdfocrError(ErrorCode.CONFIG_INVALID, f"render.passwords_file: {text}.")
