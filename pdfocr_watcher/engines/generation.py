"""What a generative engine is asked for a page, and what it answers. Values only.

How a page becomes a picture stands in `engines.preparing`, in which ways it is asked for in `engines.attempts`; who
answers, in `pipeline.generating`.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class FinishReason(StrEnum):
    """Why the model stopped writing; the words are those of vLLM and of OpenAI's interface."""

    #: It said that the page is at its end.
    STOP = "stop"
    #: It wrote as much as it may.
    LENGTH = "length"
    #: The engine itself noticed that it repeats itself without end.
    REPETITION = "repetition"
    #: Anything else.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        max_tokens: the most tokens that may be written.
        temperature: 0 for the likeliest token, always.
        ngram_size: no run of so many tokens may come twice within the window; None to allow it.
        window_size: how many of the last tokens are looked at for that.
        repetition_penalty: above 1 makes words that were there less likely.
        top_p: the share of the likelihood that is chosen from.
    """

    max_tokens: int
    temperature: float = 0.0
    ngram_size: int | None = None
    window_size: int = 90
    repetition_penalty: float = 1.0
    top_p: float = 1.0


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Have a page read once.

    Attributes:
        picture: the picture to read, PNG or JPEG, as the model wants it.
        prompt: what the model is asked, without what marks the picture's place.
        sampling: how it chooses its words.
    """

    picture: Path
    prompt: str
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model wrote.

    Attributes:
        text: all of it, special tokens included, without the one that ends it.
        finish_reason: why it stopped.
        prompt_tokens: tokens of the question, the picture's included.
        completion_tokens: tokens of the text.
    """

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
