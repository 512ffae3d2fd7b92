"""Model profiles: how a model is asked, how its answer is read. Declarations, no code.

The built-in ones are the files in `pdfocr_watcher/profiles/`; a configuration may add some, or change a built-in one by
`extends`.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from pdfocr_watcher.engines.generation import Sampling

_FOLDER = "profiles"


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


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(_Value):
    """How a page raster becomes the picture that the model sees.

    A page is made smaller until it fits, never larger than `enlarge` times.
    """

    max_width: int = Field(4096, ge=16, le=16384, description="pixels, of the page upright")
    max_height: int = Field(4096, ge=16, le=16384, description="pixels, of the page upright")
    max_pixels: int = Field(16_000_000, ge=256, description="width times height")
    square: bool = Field(False, description="whether it is padded to a square with gray")
    format: Annotated[str, Field(pattern="^(png|jpeg)$")] = Field("jpeg", description="png or jpeg")
    quality: int = Field(95, ge=30, le=100, description="of a JPEG")


class ModelSampling(_Value):
    """How the model chooses its words; see `engines.generation.Sampling`."""

    temperature: float = Field(0.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int = Field(8192, ge=16)
    repetition_penalty: float = Field(1.0, ge=1, le=2)
    ngram_size: int | None = Field(None, ge=2, description="no-repeat n-grams; none where the model needs none")
    window_size: int = Field(90, ge=2)


class Retry(_Value):
    """What is different when a page is read again; what is not named stays as it was at first."""

    prompt: str | None = None
    parser: Parser | None = None
    mode: str | None = Field(None, description="one of the profile's modes")
    temperature: float | None = Field(None, ge=0, le=2)
    ngram_size: int | None = Field(None, ge=2)
    window_size: int | None = Field(None, ge=2)
    repetition_penalty: float | None = Field(None, ge=1, le=2)


class Profile(_Value):
    """One model."""

    name: str
    model: str = Field(description="its name on the hub, for people; a local folder is named by engine.model")
    parser: Parser
    prompt: str = Field(description="what it is asked")
    template: str = Field(
        description="the whole input, with {prompt} in its place and the model's own mark for the picture; servers "
        "apply the model's chat template instead"
    )
    dpi: int | None = Field(None, ge=36, le=600, description="resolution the model was trained at; None for any")
    mode: str = Field("default", description="the mode that is used first")
    modes: dict[str, Picture] = Field(default_factory=lambda: {"default": Picture()})
    sampling: ModelSampling = ModelSampling()
    whitelist: tuple[str, ...] = Field((), description="tokens that the no-repeat rule never forbids")
    ngram_processor: str | None = Field(
        None, description="the logits processor with the no-repeat rule, as module:class of vLLM"
    )
    max_model_len: int = Field(8192, ge=512)
    engine_args: dict[str, Any] = Field(default_factory=dict, description="further arguments of vLLM's engine")
    retries: tuple[Retry, ...] = ()
    source: str = Field("", description="where the recipe comes from")
    seen: str = Field("", description="what was seen running, and with what; empty for nothing")

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
def builtin_profiles() -> Mapping[str, Profile]:
    """The profiles that ship, by name."""
    folder = resources.files("pdfocr_watcher") / _FOLDER
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    profiles = [Profile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files]
    return {profile.name: profile for profile in profiles}
