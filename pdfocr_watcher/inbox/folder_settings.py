"""The settings of the inbox's folders: each may have a file `.pdfocr.yaml`, for what is dropped there and below.

An inner folder's settings go over an outer one's, key by key. What the files may say is known in `config.folder_file`.

A file that cannot be used holds what lies in its folder and below, until it is mended: what would be done without it
is not what was wanted, and would be done for good. So does one that has just changed: it may be half written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import structlog

from pdfocr_watcher.config.folder_file import MOST_BYTES, FolderFileError, parse_folder_file
from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.inbox.sweep import SETTINGS_NAME, Signature
from pdfocr_watcher.jobs.descent import descend
from pdfocr_watcher.jobs.durable import read_file
from pdfocr_watcher.jobs.folder import displayable
from pdfocr_watcher.jobs.settings import JobSettings

_log = structlog.get_logger(__name__)

#: Characters of a problem that are told.
_MESSAGE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class FolderProblem:
    """A folder whose settings cannot be used.

    Attributes:
        folder: its path in the inbox, as it can be shown; empty for the inbox itself.
        message: why not, a phrase.
    """

    folder: str
    message: str


class HeldError(Exception):
    """What lies in a folder is not to be claimed now."""


class BadSettingsError(HeldError):
    """Its settings cannot be used, nor will they without a change."""


@dataclass(slots=True)
class _Known:
    """What is known of a folder's file.

    Attributes:
        signature: of what was last seen.
        since: when that was first seen, by the monotonic clock.
        outcome: what it says, or what is wrong with it; None until it has come to rest and was read.
        refused: whether the file system would not give it; it may the next time, though nothing changes.
    """

    signature: Signature
    since: float
    outcome: JobSettings | FolderProblem | None = None
    refused: bool = False


class FolderSettings:
    """Remembers what the files say; each is read once for each change.

    Args:
        root: the inbox.
        rules: what they may say.
        settle_seconds: a file that has not changed for so long is whole.
    """

    def __init__(self, root: Path, rules: FolderRules, settle_seconds: float) -> None:
        self._root = root
        self._rules = rules
        self._settle_seconds = settle_seconds
        self._known: dict[str, _Known] = {}
        #: What is wrong at present, by folder.
        self.problems: tuple[FolderProblem, ...] = ()

    def configure(self, rules: FolderRules, settle_seconds: float) -> None:
        """Judge by other rules from now on; every file is read anew."""
        self._rules, self._settle_seconds = rules, settle_seconds
        self._known = {folder: _Known(known.signature, known.since) for folder, known in self._known.items()}

    def observe(self, now: float, found: Mapping[str, Signature]) -> frozenset[str]:
        """Take up what a sweep found, and read what has come to rest; blocking.

        Args:
            now: the monotonic clock when the sweep began, in seconds.
            found: the folders' files by the folder's path in the inbox.

        Returns:
            The folders of which something else is known than before.
        """
        if not self._rules.allowed:
            return frozenset()
        changed = set(self._known.keys() - found.keys())
        for folder in changed:
            del self._known[folder]
        for folder, signature in found.items():
            known = self._known.get(folder)
            if known is None or known.signature != signature:
                self._known[folder] = _Known(signature, now)
            elif (known.outcome is None or known.refused) and now - known.since >= self._settle_seconds:
                before = known.outcome
                known.outcome, known.refused = self._read(folder)
                if known.outcome == before:
                    continue
                changed.add(folder)
                if isinstance(known.outcome, FolderProblem):
                    _log.warning("folder.problem", folder=known.outcome.folder, error=known.outcome.message)
        problems = (known.outcome for known in self._known.values() if isinstance(known.outcome, FolderProblem))
        self.problems = tuple(sorted(problems, key=lambda problem: problem.folder))
        return frozenset(changed)

    def of(self, path: str) -> JobSettings | None:
        """The settings for a file in the inbox; None if there are none.

        Raises:
            BadSettingsError: those of a folder that it lies in cannot be used.
            HeldError: they are not known yet.
        """
        settings: JobSettings | None = None
        for folder in _folders_around(path):
            if (known := self._known.get(folder)) is None:
                continue
            match known.outcome:
                case JobSettings() as inner:
                    settings = inner.over(settings or JobSettings())
                case FolderProblem(message=message):
                    raise BadSettingsError(message)
                case None:
                    raise HeldError(folder)
        return settings if settings is not None and settings.given else None

    def _read(self, folder: str) -> tuple[JobSettings | FolderProblem, bool]:
        """What a folder's file says, or what is wrong with it; and whether the file system would not give it."""
        refused = False
        try:
            with descend(self._root, PurePosixPath(folder).parts) as way:
                content = read_file(way.here / SETTINGS_NAME, MOST_BYTES)
            if content is None:
                message = f"{SETTINGS_NAME} is no plain file of at most {MOST_BYTES} bytes"
            else:
                return parse_folder_file(content, self._rules), False
        except FolderFileError as error:
            message = f"{SETTINGS_NAME}: {error}"
        except OSError as error:
            message, refused = f"{SETTINGS_NAME} cannot be read: {error.strerror}", True
        return FolderProblem(displayable(folder), displayable(message[:_MESSAGE_LENGTH])), refused


def _folders_around(path: str) -> Iterator[str]:
    """The folders that a file lies in, the inbox itself ("") first."""
    yield ""
    parts = path.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])
