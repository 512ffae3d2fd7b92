"""Who reads the pages of a daemon: made from its configuration, not started yet."""

from pathlib import Path

import structlog

from pdfocr_watcher.config.checks import no_layers
from pdfocr_watcher.config.choices import TextLayer
from pdfocr_watcher.config.model import Config, Render
from pdfocr_watcher.config.passwords import PasswordsFile
from pdfocr_watcher.engines.own_profiles import resolve_profile
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.registry import EMBEDDED, GENERATIVE
from pdfocr_watcher.engines.variants import variants_of
from pdfocr_watcher.engines.vllm.found import find_vllm, vllm_version
from pdfocr_watcher.engines.vllm.recipe import host_settings
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.generator import Generator
from pdfocr_watcher.pipeline.generating.local import LocalEngine
from pdfocr_watcher.pipeline.generating.reader import GenerativeReader
from pdfocr_watcher.pipeline.generating.servers import Servers
from pdfocr_watcher.pipeline.reader import Reader
from pdfocr_watcher.pipeline.rendering import Protection, TextLayers, Unlocker
from pdfocr_watcher.pipeline.sizing import engine_share, worker_memory
from pdfocr_watcher.pipeline.worker import WorkerSettings
from pdfocr_watcher.pipeline.workers import WorkerPool
from pdfocr_watcher.weights.folder import can_read_quickly, folder_in_force

_log = structlog.get_logger(__name__)

#: Seconds that an engine has to start, and servers to answer for the first time.
_START_SECONDS = 120.0
#: The same where a model is loaded, and compiled at its first start.
_LOAD_SECONDS = 1800.0
#: Seconds for a page that an engine has alone, and for one that shares a model with a hundred others: at the 2,500
#: tokens a second that DeepSeek-OCR's authors name, the longest page takes five minutes then.
_PAGE_SECONDS = 180.0
_SHARED_PAGE_SECONDS = 900.0
#: The most memory, in bytes, of the process that makes a searchable PDF, which counts as its worker's.
_PDF_BYTES = 1_000_000_000
#: Resolution of the page rasters, in dots per inch, for engines that say nothing of it.
_DPI = 200
#: Pages that a model reads at a time where the configuration leaves it open (the model's authors' figure).
_CONCURRENCY = 100


def decided(config: Config, engine: str) -> Config:
    """The configuration with what it leaves to the engine filled in: resolution, time limits, a model's concurrency.

    Args:
        config: as it was read.
        engine: the engine's name, not `auto`.

    Raises:
        PdfocrError: CONFIG_INVALID, the profile that it names cannot be used, or text layers are asked for and the
            engine has no use for them.
    """
    profile = _profile(config, engine)
    if profile is not None and config.engine.text_layer is not TextLayer.IGNORE:  # `auto` became a model
        raise PdfocrError(ErrorCode.CONFIG_INVALID, f"engine.text_layer: {no_layers(engine)}.")
    page_seconds = _PAGE_SECONDS if profile is None else _SHARED_PAGE_SECONDS
    start_seconds = _LOAD_SECONDS if engine == "vllm" else _START_SECONDS
    # What other engines read at a time depends on the machine, see `pipeline.sizing`.
    concurrency = 0 if profile is None else _CONCURRENCY
    limits = {
        "max_concurrency": config.engine.max_concurrency or concurrency,
        "page_timeout_seconds": config.engine.page_timeout_seconds or page_seconds,
        "start_timeout_seconds": config.engine.start_timeout_seconds or start_seconds,
    }
    dpi = config.render.dpi or (profile.dpi if profile is not None else None) or _DPI
    return config.model_copy(
        update={
            "engine": config.engine.model_copy(update=limits),
            "render": config.render.model_copy(update={"dpi": dpi}),
        }
    )


def _profile(config: Config, engine: str) -> Profile | None:
    """How the model is asked and read; None where no model is."""
    return resolve_profile(config.engine.profile, config.profiles) if engine in GENERATIVE else None


def make_reader(config: Config, engine: str) -> Reader:
    """Who reads pages.

    Args:
        config: the configuration, `decided`.
        engine: the engine's name, not `auto`.

    Raises:
        PdfocrError: it cannot be made: a key file that cannot be read, no server named.
    """
    limit = config.engine.start_timeout_seconds
    profile = _profile(config, engine)
    variants = variants_of(profile, config.profiles) if profile is not None else {}
    share = engine_share(engine, config.engine)
    memory = worker_memory(config.engine, share.processes)
    folder = folder_in_force(config.models.folder)
    if engine == EMBEDDED and config.engine.policy is not ReadingPolicy.ACCURATE and not can_read_quickly(folder):
        advice = "`pdfocr-watcher models install` gets them"
        _log.warning("engine.lacks_quick_networks", folder=str(folder), policy=ReadingPolicy.ACCURATE, advice=advice)
    settings = WorkerSettings(
        engine,
        share.threads,
        config.output.layout_dpi,
        config.output.jpeg_quality,
        config.render.straighten,
        str(folder),
        profile.model_dump(mode="json") if profile is not None else None,
        config.engine.languages,
        config.engine.tessdata,
        policy=config.engine.policy,
        word_lists=config.engine.word_lists,
        only_text_layer=config.engine.text_layer is TextLayer.ONLY,
        running_titles=config.output.running_titles,
        variants={name: variant.model_dump(mode="json") for name, variant in variants.items()},
        sandbox=config.render.sandbox,
        pdf_memory_bytes=min(_PDF_BYTES, config.render.memory_bytes, memory // 2 if memory else _PDF_BYTES),
    )
    # What prepares pages starts at once, however long the model takes.
    worker_limit = limit if profile is None else _START_SECONDS
    pool = WorkerPool(settings, share.processes, worker_limit, memory)
    if profile is None:
        return pool
    return GenerativeReader(pool, _generator(config, engine, profile), profile, variants)


def text_layers(config: Config, engine: str, protection: Protection) -> TextLayers | None:
    """Who tells the text layers of pages; None where nobody makes use of them."""
    if config.engine.text_layer is TextLayer.IGNORE or engine == "null":
        return None
    return TextLayers(config.render.memory_bytes, protection)


def _generator(config: Config, engine: str, profile: Profile) -> Generator:
    limit = config.engine.start_timeout_seconds
    if engine == "vllm":
        if not (version := vllm_version()):
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, find_vllm().reason)
        model = str(Path(config.engine.model).expanduser()) if config.engine.model else ""
        concurrency = config.engine.max_concurrency
        settings = host_settings(profile, config.vllm, model=model, concurrency=concurrency, version=version)
        return LocalEngine(settings, concurrency, limit)
    return make_servers(config, profile, limit)


def make_servers(config: Config, profile: Profile, start_grace: float) -> Servers:
    """The servers that the configuration names.

    Args:
        config: the configuration, `decided`.
        profile: how their model is asked.
        start_grace: seconds that servers which do not answer yet may be starting.

    Raises:
        PdfocrError: CONFIG_INVALID, the key's file cannot be read, or no server is named.
    """
    servers = config.servers
    return Servers(
        profile,
        servers.urls,
        model=config.engine.model,
        api_key=_key(servers.api_key_file),
        ca_file=str(Path(servers.ca_file).expanduser()) if servers.ca_file else "",
        verify_tls=servers.verify_tls,
        concurrency=config.engine.max_concurrency,
        health_interval=servers.health_interval,
        start_grace=start_grace,
    )


def _key(path: str) -> str:
    """The key in a file; none where no file is named."""
    if not path:
        return ""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise PdfocrError(ErrorCode.CONFIG_INVALID, f"servers.api_key_file: {path} cannot be read: {error}.") from error


def make_unlocker(render: Render, protection: Protection) -> Unlocker | None:
    """Who opens encrypted PDFs; None where the configuration names no passwords.

    Raises:
        PdfocrError: CONFIG_INVALID, the file with the passwords cannot be used.
    """
    if (passwords := PasswordsFile.named(render.passwords_file)) is None:
        return None
    passwords.read()
    return Unlocker(passwords.read, render.memory_bytes, protection)
