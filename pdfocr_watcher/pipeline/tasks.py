"""What a worker process can be asked to do, and how that goes through its pipe. Values only."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pdfocr_watcher.jobs.model import Output

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageTask:
    """Read a page and checkpoint it; the raster is removed.

    The answer's `remark`, where there is one, says in a sentence what a person may do to have more of the page read.

    Attributes:
        job: the job's folder.
        index: the page, counted from 0.
        raster: the page's picture, PPM.
        dpi: the resolution at which it was rendered.
        text_layer: where its text layer lies, if it has one; empty where none is wanted.
        languages: what it is written in, see `engines.base.Engine.recognize`; none for what the engine was made with.
        profile: how a model is asked and read, by name; empty for as the configuration has it.
        prompt: what it is asked instead of the profile's own question; empty for that.
    """

    job: str
    index: int
    raster: str
    dpi: float
    text_layer: str = ""
    languages: tuple[str, ...] = ()
    profile: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class PrepareTask:
    """Make the picture of a page that a model is to read.

    Attributes:
        job: the job's folder.
        raster: the page's picture, PPM; it stays.
        mode: which of the profile's modes the picture is for.
        turn, skew: how the page is made upright (see `engines.orientation`); None to find out.
        profile: see `PageTask`.
    """

    job: str
    raster: str
    mode: str
    turn: int | None = None
    skew: float | None = None
    profile: str = ""


@dataclass(frozen=True, slots=True)
class KeepTask:
    """Make blocks of what a model wrote of a page, and checkpoint it; the raster is removed.

    The answer's `kept` says whether that was done; where it was not, `turn` may say by how many degrees clockwise the
    page is to be turned first.

    Attributes:
        job, index, raster, dpi: see `PageTask`.
        turn, skew: how the page was made upright for the model.
        mode: which of the profile's modes the picture was for that the model saw.
        parser: what it writes (`engines.profiles.Parser`).
        text: what it wrote.
        tries: what was tried to get there, as the checkpoint records it.
        if_blank: whether that is right only where nothing is on the page.
        if_upright: whether that is right only where the text itself does not say that the page is turned.
        profile: see `PageTask`.
    """

    job: str
    index: int
    raster: str
    dpi: float
    turn: int
    skew: float
    mode: str
    parser: str
    text: str
    tries: tuple[Mapping[str, Any], ...]
    if_blank: bool = False
    if_upright: bool = False
    profile: str = ""


@dataclass(frozen=True, slots=True)
class AssembleTask:
    """Put the outputs together.

    Attributes:
        job: the job's folder.
        total: the document's pages.
        outputs: what is wanted beside the Markdown and the figures, as `jobs.model.Output` calls it.
        seconds: that a part of it may take for which another program is started.
    """

    job: str
    total: int
    outputs: tuple[str, ...] = ()
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What comes of a `PrepareTask`.

    Attributes:
        picture: the path of what the model is to read.
        turn, skew: how the page was made upright.
    """

    picture: str
    turn: int
    skew: float

    @classmethod
    def of(cls, answer: Answer) -> "Prepared":
        """The values of an answer.

        Raises:
            LookupError, TypeError, ValueError: it is none.
        """
        if type(answer["picture"]) is not str:
            raise TypeError("no picture")
        return cls(answer["picture"], int(answer["turn"]), float(answer["skew"]))


@dataclass(frozen=True, slots=True)
class Assembled:
    """What comes of an `AssembleTask`.

    Attributes:
        images: how many figures there are.
        written: what there is beside the Markdown and the figures.
        left_out: why something that was wanted is not there.
    """

    images: int
    written: tuple[Output, ...] = ()
    left_out: Mapping[Output, str] = field(default_factory=dict)

    def to_answer(self) -> Answer:
        """The values as an answer tells them."""
        return {"images": self.images, "written": list(self.written), "left_out": dict(self.left_out)}

    @classmethod
    def of(cls, answer: Answer) -> "Assembled":
        """The values of an answer.

        Raises:
            LookupError, TypeError, ValueError: it is none.
        """
        if type(answer["images"]) is not int or type(answer["left_out"]) is not dict:
            raise TypeError("no number of images")
        left_out = {Output(name): str(reason) for name, reason in answer["left_out"].items()}
        return cls(answer["images"], tuple(map(Output, answer["written"])), left_out)


Task = PageTask | PrepareTask | KeepTask | AssembleTask
_KINDS: dict[str, type[Task]] = {kind.__name__: kind for kind in (PageTask, PrepareTask, KeepTask, AssembleTask)}


def task_line(task: Task, number: int) -> bytes:
    """A task as it goes through the pipe; its answer carries the same number."""
    return json.dumps({"number": number, "task": type(task).__name__, **asdict(task)}).encode() + b"\n"


def task_of(line: bytes) -> tuple[int, Task]:
    """The number and the task of a line."""
    data = json.loads(line)
    number, kind = data.pop("number"), data.pop("task")
    return number, _KINDS[kind](**data)
