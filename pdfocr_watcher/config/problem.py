"""What is wrong with a configuration and where it stands, and the one error that tells a person all of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written.

    Attributes:
        line: line of the configuration file, counted from 1; 0 where no line is to blame.
        variable: the environment variable, empty for what stands in the file.
    """

    line: int = 0
    variable: str = ""

    def name(self, path: Path) -> str:
        """The place in a message: `file:line`, or the variable's name."""
        if self.variable:
            return self.variable
        return f"{path}:{self.line}" if self.line else str(path)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        place: where it is written.
        text: the key path and what is wrong, without a full stop.
    """

    place: Place
    text: str


class SourceError(Exception):
    """A text that cannot be read as YAML at all, or not as the YAML that is used here.

    Args:
        problem: what is wrong, and where.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def config_error(path: Path, problems: Iterable[Problem]) -> PdfocrError:
    """One error for all problems, one a line: those of the file by line, then those of the environment by name."""
    ordered = sorted(problems, key=lambda problem: (problem.place.variable, problem.place.line))
    lines = (f"{problem.place.name(path)}: {problem.text}" for problem in ordered)
    return PdfocrError(
        ErrorCode.CONFIG_INVALID, "\n".join(line if line.endswith("?") else f"{line}." for line in lines)
    )
