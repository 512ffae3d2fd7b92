"""What `doctor` looks at: renderers, their sandbox, engine, folders, configuration. Each finding says what to do."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pdfocr_watcher import __version__
from pdfocr_watcher.cli.findings import Finding, Level
from pdfocr_watcher.cli.model_diagnosis import model_findings
from pdfocr_watcher.config.choices import Renderer, Sandbox
from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.config.model import Config, Engine
from pdfocr_watcher.config.passwords import PasswordsFile
from pdfocr_watcher.config.permissions import policy_of
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.registry import EMBEDDED, GENERATIVE, Setup, create_engine, resolve_engine
from pdfocr_watcher.engines.scripts import install_advice
from pdfocr_watcher.engines.tessdata import find_tessdata, installed_languages
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.inbox.folder_settings import FolderSettings
from pdfocr_watcher.inbox.sweep import Sweep, sweep
from pdfocr_watcher.jobs.folder import displayable
from pdfocr_watcher.jobs.mounts import file_system_type, needs_polling
from pdfocr_watcher.jobs.ownership import GroupRule, OwnerRule, this_process
from pdfocr_watcher.pipeline.rendering import find_protection, poppler_installed
from pdfocr_watcher.pipeline.sizing import available_memory, cores, engine_share, render_workers, worker_memory
from pdfocr_watcher.weights.catalogue import LAYOUT, QUICK, TABLE, WORD_LISTS, Weights, all_weights
from pdfocr_watcher.weights.folder import State, folder_in_force, state_of

#: The engines that give lines, of which the analysis makes blocks.
_LINE_ENGINES = ("rapidocr", "tesseract")


def diagnose(config: Config | None) -> list[Finding]:
    """Look at everything.

    Args:
        config: the configuration in force; None where there is none yet, which is advised against.
    """
    settings = config or Config()
    return [
        _program(),
        *_configuration(config),
        _renderer(settings),
        _sandbox(settings),
        *_passwords(settings),
        *_engine(settings),
        *_languages(settings),
        *_models(settings),
        *_folders(config),
        *_hooks(settings),
        *_inbox(config),
    ]


def _program() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    memory = available_memory() / 1e9
    return Finding(
        Level.GOOD, "program", f"{__version__} on Python {python}, {cores()} cores, {memory:.1f} GB of memory free"
    )


def _configuration(config: Config | None) -> Iterator[Finding]:
    if config is None:
        yield Finding(
            Level.ADVICE, "config", "none found; `pdfocr-watcher init DIR` makes one. The defaults are looked at."
        )


def _renderer(config: Config) -> Finding:
    if config.render.renderer is Renderer.PDFIUM:
        return Finding(Level.GOOD, "renderer", "pdfium, as configured")
    if config.render.renderer is Renderer.POPPLER and not poppler_installed():
        return Finding(Level.MISSING, "renderer", "render.renderer is poppler: `apt-get install poppler-utils`")
    if poppler_installed():
        return Finding(
            Level.GOOD, "renderer", f"poppler ({shutil.which('pdftoppm')}), and pdfium for what it cannot do"
        )
    return Finding(
        Level.ADVICE, "renderer", "pdfium only; poppler repairs more damaged PDFs: `apt-get install poppler-utils`"
    )


def _sandbox(config: Config) -> Finding:
    """Whether renderers can be confined here, by trying."""
    if config.render.sandbox is Sandbox.OFF:
        text = "render.sandbox is off: renderers have all rights of the daemon's user"
        return Finding(Level.ADVICE, "sandbox", text)
    protection = find_protection()
    if protection.missing:
        required = config.render.sandbox is Sandbox.REQUIRED
        return Finding(Level.MISSING if required else Level.ADVICE, "sandbox", protection.shortcomings)
    return Finding(
        Level.GOOD,
        "sandbox",
        f"renderers are confined by Landlock (version {protection.landlock_version}) and seccomp",
    )


def _passwords(config: Config) -> Iterator[Finding]:
    if (file := PasswordsFile.named(config.render.passwords_file)) is None:
        return
    try:
        count = len(file.read())
    except PdfocrError as error:
        yield Finding(Level.MISSING, "passwords", error.detail)
    else:
        yield Finding(Level.GOOD, "passwords", f"{count} are tried on encrypted PDFs")


def _engine(config: Config) -> Iterator[Finding]:
    name = resolve_engine(config.engine.name)
    if name in GENERATIVE:
        yield from model_findings(config, name)
        return
    share = engine_share(name, config.engine)
    try:
        setup = Setup(
            share.threads,
            folder_in_force(config.models.folder),
            config.engine.policy,
            config.engine.languages,
            config.engine.tessdata,
            config.engine.word_lists,
        )
        info = create_engine(name, setup).info
    except PdfocrError as error:
        yield Finding(Level.MISSING, "engine", str(error))
        return
    memory = worker_memory(config.engine, share.processes)
    bound = f" and at most {memory / 1e9:.1f} GB" if memory is not None else ""
    yield Finding(
        Level.GOOD,
        "engine",
        f"{info.name} ({info.model}, {info.version}), {share.processes} processes of {share.threads} threads{bound}, "
        f"{render_workers(config.render)} renderers",
    )


def _languages(config: Config) -> Iterator[Finding]:
    """The languages that Tesseract reads, for an engine that uses them."""
    if resolve_engine(config.engine.name) not in _LINE_ENGINES:
        return
    folder = find_tessdata(config.engine.tessdata)
    if installed := installed_languages(folder):
        yield Finding(Level.GOOD, "languages", f"{', '.join(installed)} for Tesseract in {folder}")
        return
    where = f"no language data in {folder}" if folder is not None else "no language data for Tesseract"
    advice = f"{install_advice(['eng', 'rus'])} and the like, see docs/languages.md"
    if resolve_engine(config.engine.name) == "tesseract":
        yield Finding(Level.MISSING, "languages", f"{where}: {advice}")
        return
    text = f"{where}: only Latin, Chinese and Japanese pages can be read; for others {advice}"
    yield Finding(Level.ADVICE, "languages", text)


def _models(config: Config) -> Iterator[Finding]:
    """Whether the weights that `models install` brings are there, for an engine that uses them."""
    engine = resolve_engine(config.engine.name)
    if engine not in _LINE_ENGINES:
        return
    folder = folder_in_force(config.models.folder)
    wanted = _wanted_weights(config.engine, embedded=engine == EMBEDDED)
    states = {weights.file: state_of(folder, weights) for weights in wanted}
    if damaged := [file for file, state in states.items() if state is State.DAMAGED]:
        text = f"{', '.join(damaged)} in {folder} is damaged: `pdfocr-watcher models install`"
        yield Finding(Level.MISSING, "models", text)
    elif missing := [weights for weights in wanted if states[weights.file] is State.MISSING]:
        text = f"no {' and no '.join(weights.file for weights in missing)} in {folder}: {_what_follows(missing)}; "
        yield Finding(Level.ADVICE, "models", text + "`pdfocr-watcher models install` gets them")
    else:
        yield Finding(Level.GOOD, "models", f"{', '.join(states)} in {folder}")


def _wanted_weights(engine: Engine, *, embedded: bool) -> list[Weights]:
    """Those that an engine of lines uses, the embedded one or another."""
    unused: set[Weights] = set()
    if not embedded or engine.policy is ReadingPolicy.ACCURATE:
        unused.update(QUICK)
    if not embedded or engine.policy is ReadingPolicy.FAST or not engine.word_lists:
        unused.update(WORD_LISTS.values())
    return [weights for weights in all_weights() if weights not in unused]


def _what_follows(missing: Sequence[Weights]) -> str:
    """What comes of it that weights are missing."""
    follows = []
    if LAYOUT in missing or TABLE in missing:
        follows.append("layout and tables are told by rules alone, less well")
    if any(weights in QUICK for weights in missing):
        follows.append("every page is read as by `engine.policy: accurate`, which takes longer")
    if any(weights in WORD_LISTS.values() for weights in missing):
        follows.append("handwriting is read letter by letter, with more mistakes")
    return ", and ".join(follows)


def _folders(config: Config | None) -> Iterator[Finding]:
    if config is None:
        return
    folders = config.folders
    for name, path in (
        ("inbox", folders.inbox),
        ("jobs", folders.jobs),
        ("outbox", folders.outbox),
        ("failed", folders.failed),
    ):
        yield _folder(name, path)
    yield from _permissions(config)
    try:
        free = shutil.disk_usage(folders.jobs).free
    except OSError:
        return
    if free < config.inbox.min_free_bytes:
        text = f"{free} bytes: free some, below inbox.min_free_bytes ({config.inbox.min_free_bytes}) nothing is claimed"
        yield Finding(Level.MISSING, "free space", text)
    else:
        yield Finding(Level.GOOD, "free space", f"{free / 1e9:.1f} GB where the jobs lie")


def _permissions(config: Config) -> Iterator[Finding]:
    """Whose the results will be, and whether anybody else may change the jobs in work."""
    policy, user = policy_of(config.permissions), this_process()
    if policy.owner is OwnerRule.DAEMON or not user.gives:
        why = "" if policy.owner is OwnerRule.DAEMON else ", which may not give files away (docs/permissions.md)"
        yield Finding(Level.GOOD, "results", f"belong to this user (uid {user.uid}){why}")
    else:
        yield Finding(Level.GOOD, "results", "belong to who dropped the PDF")
    if not isinstance(policy.group, GroupRule) and not user.may_set(policy.group):
        text = f"permissions.group: this user is not in the group {config.permissions.group}; add it"
        yield Finding(Level.MISSING, "results", text)
    try:
        mode = config.folders.jobs.stat().st_mode
    except OSError:
        return
    if mode & 0o022:
        yield Finding(
            Level.ADVICE, "jobs", f"others than the daemon may change what is in work: chmod go-w {config.folders.jobs}"
        )


def _hooks(config: Config) -> Iterator[Finding]:
    """Whether the commands of hooks are there."""
    for ending in ("completed", "failed"):
        if command := getattr(config.hooks, ending):
            found = shutil.which(command[0])
            text = (
                f"hooks.{ending}: {found}" if found else f"hooks.{ending}: {command[0]} is no program that can be run"
            )
            yield Finding(Level.GOOD if found else Level.MISSING, "hooks", text)


def _inbox(config: Config | None) -> Iterator[Finding]:
    """What in the inbox waits for a person: settings to be mended, files whose claim was broken off."""
    if config is None:
        return
    try:
        found = sweep(config.folders.inbox, config.inbox.ignore)
    except OSError:
        return  # the folder's own finding says so
    yield from _folder_settings(config, found)
    if claimed := found.claimed:
        text = (
            f"{len(claimed)} files in the inbox are being copied by a daemon, here or on another host, or were left "
            "when it ended: its next start finishes that. If it is gone for good, give them their names back, as in "
            f"`mv '{displayable(claimed[0])}' NAME.pdf`"
        )
        yield Finding(Level.ADVICE, "claims", text)


def _folder_settings(config: Config, found: Sweep) -> Iterator[Finding]:
    """The folders of the inbox whose settings cannot be used."""
    rules = FolderRules.of(config, resolve_engine(config.engine.name))
    files = FolderSettings(config.folders.inbox, rules, 0.0)
    for _ in range(2):  # seen, and at rest
        files.observe(0.0, found.settings)
    for problem in files.problems:
        where = problem.folder or "the inbox itself"
        yield Finding(Level.ADVICE, "settings", f"{where}: {problem.message}; PDFs there wait until it is mended")


def _folder(name: str, path: Path) -> Finding:
    if not path.is_dir():
        return Finding(Level.MISSING, name, f"{path} is not there: make it, mount it, or name another in config.yaml")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding(Level.MISSING, name, f"{path} cannot be read and written by this user (uid {os.geteuid()})")
    kind = file_system_type(path)
    how = "watched by polling" if needs_polling(kind) else "watched by events"
    return Finding(Level.GOOD, name, f"{path} ({kind}{', ' + how if name == 'inbox' else ''})")
