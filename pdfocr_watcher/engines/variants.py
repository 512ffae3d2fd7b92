"""Profiles by which one and the same loaded model can be asked: they differ in what need not be known at its start."""

from collections.abc import Mapping
from typing import Any

from pdfocr_watcher.engines.own_profiles import profile_names, resolve_profile
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.errors import PdfocrError

#: What an engine is started with, or what its input is made of: it must be the same.
_FIXED = (
    "model", "architectures", "template", "mark", "server", "whitelist", "ngram_processor", "max_model_len",
    "engine_args",
)  # fmt: skip


def variants_of(profile: Profile, own: Mapping[str, Any]) -> dict[str, Profile]:
    """A profile, first, and the others by which its model can be asked, by name.

    Args:
        profile: the one that the engine is started with.
        own: the section `profiles` of the configuration.
    """
    found = {profile.name: profile}
    for name in profile_names(own):
        try:
            other = resolve_profile(name, own)
        except PdfocrError:
            continue  # who loads the configuration says so
        if all(getattr(other, key) == getattr(profile, key) for key in _FIXED):
            found.setdefault(name, other)
    return found
