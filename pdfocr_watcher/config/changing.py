"""Which changes of the configuration a running daemon takes up, and which need a restart: pure."""

from dataclasses import dataclass

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.settings import KeyPath
from pdfocr_watcher.config.words import fields, free_sections

#: The keys that a reload changes. Whoever adds one sees to it that what uses it is given the new value
#: (`daemon.app.Daemon._configure`).
RELOADABLE: frozenset[KeyPath] = frozenset({
    ("inbox", "rescan_interval"),
    ("inbox", "settle_seconds"),
    ("inbox", "unmarked_settle_seconds"),
    ("inbox", "sweep_timeout_seconds"),
    ("inbox", "ignore"),
    ("inbox", "not_pdf"),
    ("inbox", "on_duplicate"),
    ("inbox", "min_free_bytes"),
    ("inbox", "min_free_inodes"),
    ("inbox", "max_waiting_jobs"),
    ("job", "max_bytes"),
    ("job", "max_pages"),
    ("job", "page_attempts"),
    ("engine", "page_timeout_seconds"),
    ("index", "flush_seconds"),
    ("retention", "completed_days"),
    ("retention", "failed_days"),
    ("retention", "at"),
    ("service", "health_interval"),
    ("service", "log_level"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a configuration that was read again.

    Attributes:
        config: what is in force from now on.
        applied: the keys that it changes, as `section.key`.
        waiting: the keys that are written differently and stay as they were until a restart.
    """

    config: Config
    applied: tuple[str, ...]
    waiting: tuple[str, ...]


def change(running: Config, read: Config) -> Change:
    """What of a configuration a running daemon takes up.

    Args:
        running: what is in force.
        read: what was read now.
    """
    applied: list[str] = []
    waiting = [name for name in free_sections() if getattr(running, name) != getattr(read, name)]
    sections: dict[str, dict[str, object]] = {}
    for section, key, _ in fields():
        value = getattr(getattr(read, section), key)
        if value == getattr(getattr(running, section), key):
            continue
        if (section, key) in RELOADABLE:
            applied.append(f"{section}.{key}")
            sections.setdefault(section, {})[key] = value
        else:
            waiting.append(f"{section}.{key}")
    update = {name: getattr(running, name).model_copy(update=values) for name, values in sections.items()}
    return Change(running.model_copy(update=update), tuple(applied), tuple(sorted(waiting)))
