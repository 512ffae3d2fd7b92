"""How often, and how differently, a page is asked for: the first try and the profile's further ones. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pdfocr_watcher.engines.generation import Generation, Sampling
from pdfocr_watcher.engines.profiles import Parser, Profile, Retry


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to ask for a page.

    Attributes:
        prompt: what the model is asked.
        parser: what it will write.
        mode: which of the profile's modes its picture is made for.
        sampling: how it chooses its words.
    """

    prompt: str
    parser: Parser
    mode: str
    sampling: Sampling

    def record(self, generation: Generation | None, verdict: str | None) -> Mapping[str, Any]:
        """The attempt and what came of it, as a page's checkpoint keeps it.

        Args:
            generation: the model's answer; None if there was none.
            verdict: why that is no good, or why there was none; None if it is good.
        """
        return {
            "prompt": self.prompt,
            "mode": self.mode,
            **asdict(self.sampling),
            "finish_reason": generation.finish_reason.value if generation is not None else None,
            "completion_tokens": generation.completion_tokens if generation is not None else None,
            "verdict": verdict,
        }


def attempts(profile: Profile) -> Iterator[Attempt]:
    """The first attempt of a profile and the further ones, in the order in which they are made."""
    for retry in (Retry(), *profile.retries):
        yield Attempt(
            prompt=profile.prompt if retry.prompt is None else retry.prompt,
            parser=retry.parser or profile.parser,
            mode=retry.mode or profile.mode,
            sampling=profile.sampling_for(retry),
        )
