"""What `doctor` says of the engines `vllm` and `vllm-server`: the profile, the library, the model's folder."""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from structlog.testing import capture_logs

from pdfocr_watcher.cli.findings import Finding, Level
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.reading import decided, make_servers
from pdfocr_watcher.engines.own_profiles import resolve_profile
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.vllm.found import find_vllm, vllm_version
from pdfocr_watcher.engines.vllm.model_folder import cached_folder, look_at_model
from pdfocr_watcher.engines.vllm.releases import Release
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.pipeline.generating.servers import ServerCondition, Servers

#: Seconds that the servers have to answer, and between two looks at whether all have.
_LOOK_SECONDS = 10.0
_LOOK_INTERVAL = 0.05


def model_findings(config: Config, engine: str, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at what a generative engine needs, without starting it.

    Args:
        config: the configuration in force.
        engine: `vllm` or `vllm-server`.
        environment: the variables that say where the Hugging Face cache lies.
    """
    profile = resolve_profile(config.engine.profile, config.profiles)
    yield _profile(profile)
    if engine == "vllm-server":
        yield from _servers(config, profile)
        return
    yield _library()
    yield from _model(config, profile, environment)


def _profile(profile: Profile) -> Finding:
    seen = f"seen: {profile.seen}" if profile.seen else "never seen running with the model's weights"
    return Finding(Level.GOOD, "profile", f"{profile.name}, for {profile.model} ({seen})")


def _servers(config: Config, profile: Profile) -> Iterator[Finding]:
    """How each of the servers is, by asking them."""
    try:
        with capture_logs():  # the findings say it
            conditions = asyncio.run(_conditions(make_servers(decided(config, "vllm-server"), profile, _LOOK_SECONDS)))
    except PdfocrError as error:
        yield Finding(Level.MISSING, "servers", str(error))
        return
    for server in conditions:
        if server.useful:
            yield Finding(Level.GOOD, "server", f"{server.address} answers")
        else:
            reason = server.reason or f"no answer within {_LOOK_SECONDS:g} s"
            yield Finding(Level.MISSING, "server", f"{server.address}: {reason}")


async def _conditions(servers: Servers) -> tuple[ServerCondition, ...]:
    """What comes of the first look at each server."""
    servers.start()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                while not all(server.useful or server.reason for server in servers.conditions):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(_LOOK_INTERVAL)
        if servers.failure is not None and not servers.conditions:
            raise servers.failure
        return servers.conditions
    finally:
        await servers.stop()


def _library() -> Finding:
    found, version = find_vllm(), vllm_version()
    if found.usable:
        return Finding(Level.GOOD, "vllm", found.reason)
    # Its build for CPUs reads too, if slowly.
    lacks_a_gpu = version and not Release(version).too_old
    return Finding(Level.ADVICE if lacks_a_gpu else Level.MISSING, "vllm", f"{found.reason} See docs/gpu.md.")


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
