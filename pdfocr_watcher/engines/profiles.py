"""Model profiles: how a model is asked, how its answer is read. Declarations, no code.

The built-in ones are the files in `pdfocr_watcher/profiles/`. What a configuration adds to them, and what must hold
between the parts of a profile, stands in `own_profiles`.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from pdfocr_watcher.engines.generation import Sampling

_FOLDER, _SUFFIX = "profiles", ".yaml"
#: Where the prompt stands in a template.
PROMPT = "{prompt}"


def filled(template: str, prompt: str) -> str:
    """A template with a prompt in its place; all else in it stands as it is, braces too."""
    return template.replace(PROMPT, prompt)


class Parser(StrEnum):
    """What a model writes; each has its reader in `engines.outputs`."""

    #: DeepSeek-OCR's markup, with boxes.
    GROUNDING = "grounding"
    #: Markdown with HTML tables and LaTeX, without boxes.
    MARKDOWN = "markdown"
    #: Markdown after a YAML front matter (olmOCR).
    FRONT_MATTER = "front_matter"
    #: A JSON list of layout elements with bbox, category and text (dots.ocr).
    LAYOUT_JSON = "layout_json"


class PictureFormat(StrEnum):
    """How a picture is handed to the model."""

    JPEG = "jpeg"
    PNG = "png"


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(_Value):
    """How a page raster becomes the picture that the model sees: made smaller where it is too large, never larger."""

    max_side: int = Field(4096, ge=32, le=16384, description="pixels of the longer side")
    max_pixels: int = Field(16_000_000, ge=1024, description="width times height")
    step: int = Field(
        1, ge=1, le=256, description="sides are made multiples of so many pixels, as the model's processor would"
    )
    tile: int = Field(
        0, ge=0, le=4096, description="side of the tiles that the model's processor cuts a picture into; 0 for none"
    )
    min_tiles: int = Field(2, ge=1, le=64, description="the fewest that it cuts")
    max_tiles: int = Field(6, ge=1, le=64, description="the most; a picture is made no larger than they need")
    square: bool = Field(False, description="whether it is padded to a square, with gray")
    format: PictureFormat = Field(PictureFormat.JPEG, description="jpeg or png")
    quality: int = Field(95, ge=30, le=100, description="of a JPEG")


class ModelSampling(_Value):
    """How the model chooses its words; see `engines.generation.Sampling`."""

    temperature: float = Field(0.0, ge=0, le=2, description="0 for the likeliest token, always")
    top_p: float = Field(1.0, gt=0, le=1, description="the share of the likelihood that is chosen from")
    max_tokens: int = Field(8192, ge=16, description="the most that a page's text may have")
    repetition_penalty: float = Field(1.0, ge=1, le=2, description="above 1 makes words that were there less likely")
    ngram_size: int | None = Field(
        None, ge=2, description="no run of so many tokens twice within the window; none where the model needs no rule"
    )
    window_size: int = Field(90, ge=2, description="how many of the last tokens are looked at for that")


class Retry(_Value):
    """What is different when a page is read again; what is not named stays as it was at first."""

    prompt: str | None = None
    parser: Parser | None = None
    mode: str | None = Field(None, description="one of the profile's modes")
    temperature: float | None = Field(None, ge=0, le=2)
    ngram_size: int | None = Field(None, ge=2)
    window_size: int | None = Field(None, ge=2)
    repetition_penalty: float | None = Field(None, ge=1, le=2)


class ServerMessage(_Value):
    """What a server is sent; it puts the marks of the model's own chat template around it."""

    system: str | None = Field(None, description="the system message; none for no such message")
    text: str = Field(PROMPT, description="the text beside the picture, with {prompt} in its place")
    picture_first: bool = Field(True, description="whether the picture comes before the text")

    def text_for(self, prompt: str) -> str:
        """The text with this prompt; empty where the picture is to stand alone."""
        return self.text.replace(PROMPT, prompt)


class Profile(_Value):
    """One model."""

    name: str
    model: str = Field(
        min_length=1, description="its name on the hub, for people; a local folder is named by engine.model"
    )
    architectures: tuple[str, ...] = Field(
        (), description="what the model's config.json may name as its architecture; empty for anything"
    )
    parser: Parser = Field(description="what it writes: grounding, markdown, front_matter or layout_json")
    prompt: str = Field(description="what it is asked; empty where the picture alone is the question")
    template: str = Field(
        min_length=1,
        description="the whole input of an engine in process, with {prompt} and the picture's mark in their places",
    )
    mark: str = Field("<image>", min_length=1, description="what marks the picture's place in the template")
    server: ServerMessage = Field(default_factory=ServerMessage, description="what servers are sent instead")
    dpi: int | None = Field(
        None, ge=36, le=600, description="resolution at which its authors render pages; none for render.dpi"
    )
    mode: str = Field("default", description="the mode that is used first")
    modes: dict[str, Picture] = Field(
        default_factory=lambda: {"default": Picture()},
        min_length=1,
        description="how a page becomes a picture, by name",
    )
    sampling: ModelSampling = Field(default_factory=ModelSampling, description="how it chooses its words")
    whitelist: tuple[str, ...] = Field((), description="tokens that the no-repeat rule never forbids")
    ngram_processor: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = Field(
        None, description="the logits processor with the no-repeat rule, as module:class; none for the usual one"
    )
    max_model_len: int = Field(8192, ge=512, description="tokens of a page, picture and text together")
    engine_args: dict[str, Any] = Field(default_factory=dict, description="further arguments of vLLM's engine")
    retries: tuple[Retry, ...] = Field((), description="what is tried when a page's text is no good, in this order")
    gpu_memory_gb: float | None = Field(
        None, gt=0, description="memory that a GPU must have at least, GB; none where nobody says"
    )
    note: str = Field("", description="what to know before it is used")
    sources: dict[str, str] = Field(default_factory=dict, description="where each part of the recipe comes from")
    seen: str = Field("", description="what was seen running, and with what; empty for nothing")

    def input_for(self, prompt: str) -> str:
        """The whole input of an engine in process: the template with this prompt."""
        return filled(self.template, prompt)

    def sampling_for(self, retry: Retry | None = None) -> Sampling:
        """The sampling of the first try, or of one of the others."""
        base, change = self.sampling, retry or Retry()

        def chosen(name: str) -> Any:
            value = getattr(change, name)
            return getattr(base, name) if value is None else value

        return Sampling(
            max_tokens=base.max_tokens,
            top_p=base.top_p,
            **{name: chosen(name) for name in ("temperature", "ngram_size", "window_size", "repetition_penalty")},
        )


@cache
def builtin_names() -> tuple[str, ...]:
    """The names of the profiles that ship, sorted; a profile's file is called by its name."""
    folder = resources.files("pdfocr_watcher") / _FOLDER
    return tuple(
        sorted(name.removesuffix(_SUFFIX) for file in folder.iterdir() if (name := file.name).endswith(_SUFFIX))
    )


@cache
def builtin_data(name: str) -> Mapping[str, Any]:
    """A profile that ships, as it is written."""
    file = resources.files("pdfocr_watcher") / _FOLDER / f"{name}{_SUFFIX}"
    data: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return data


@cache
def builtin_profiles() -> Mapping[str, Profile]:
    """The profiles that ship, by name."""
    return {name: Profile.model_validate(builtin_data(name)) for name in builtin_names()}
