"""What people may set for what they drop into a folder: what the configuration allows, and the engine can do."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pdfocr_watcher.config.choices import FolderKey
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.engines.own_profiles import resolve_profile
from pdfocr_watcher.engines.profiles import PROMPT
from pdfocr_watcher.engines.registry import GENERATIVE
from pdfocr_watcher.engines.scripts import code_of
from pdfocr_watcher.engines.variants import variants_of
from pdfocr_watcher.jobs.model import OUTPUT_NAMES
from pdfocr_watcher.jobs.settings import JobSettings

#: The engines that are told the languages of pages.
_TOLD_LANGUAGES = frozenset({"rapidocr", "tesseract"})
_DAYS = frozenset({"completed_days", "failed_days"})


@dataclass(frozen=True, slots=True)
class FolderRules:
    """What a folder's file may say.

    Attributes:
        allowed: the keys that it may have.
        most_dpi: the highest resolution, in dots per inch.
        engine: the engine's name.
        profiles: those by which the engine's model can be asked; none where no model is.
        marks: what no prompt may have in it, for the engine's input would be another one then.
        languages: whether the engine is told the languages of pages.
        most_days: the most days that a result may be kept, by the key; 0 for any number.
    """

    allowed: frozenset[FolderKey] = frozenset(FolderKey)
    most_dpi: int = 600
    engine: str = "null"
    profiles: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    languages: bool = False
    most_days: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config, engine: str) -> "FolderRules":
        """The rules of a configuration.

        Args:
            config: the configuration.
            engine: the engine in force, not `auto`.

        Raises:
            PdfocrError: CONFIG_INVALID, the profile that it names cannot be used.
        """
        limits = config.folder_settings
        days = config.retention
        names: tuple[str, ...] = ()
        marks: tuple[str, ...] = ()
        if engine in GENERATIVE:
            profile = resolve_profile(config.engine.profile, config.profiles)
            names = tuple(variants_of(profile, config.profiles))
            marks = (PROMPT, profile.mark)
        return cls(
            frozenset(limits.allow),
            limits.max_dpi,
            engine,
            names,
            marks,
            engine in _TOLD_LANGUAGES,
            {"completed_days": days.completed_days, "failed_days": days.failed_days},
        )

    def objections(self, settings: JobSettings) -> Iterator[tuple[str, str]]:
        """What of some settings cannot be had: the key, and a phrase that says why."""
        for name, value in settings.given.items():
            key = FolderKey.RETENTION if name in _DAYS else FolderKey(name)
            if key not in self.allowed:
                yield name, "may not be set here (folder_settings.allow in the configuration)"
            elif (words := self._objection(name, value)) is not None:
                yield name, words

    def obstacles(self, settings: JobSettings) -> Iterator[tuple[str, str]]:
        """What of a job's settings can no longer be had: the key, and a phrase that says why.

        What is merely no longer allowed was so when the PDF was claimed.
        """
        for name, value in settings.reading.given.items():
            if (words := self._objection(name, value)) is not None:
                yield name, words

    def _objection(self, name: str, value: object) -> str | None:
        words = None
        match name, value:
            case "languages", _ if not self.languages:
                words = f"the engine {self.engine} is not told the languages of pages"
            case "languages", tuple() if found := [language for language in value if code_of(language) is None]:
                words = f"there is no language {found[0]!r}; docs/languages.md has them"
            case "outputs", tuple() if found := [name for name in value if name not in OUTPUT_NAMES]:
                words = f"{found[0]!r} is none that can be chosen; there are {', '.join(OUTPUT_NAMES)}"
            case (("profile" | "prompt"), _) if not self.profiles:
                words = f"the engine {self.engine} is no model that could be asked"
            case "profile", str() if value not in self.profiles:
                names = ", ".join(self.profiles)
                words = f"there is no profile {value!r} by which the engine's model could be asked; there are {names}"
            case "prompt", str() if found := [mark for mark in self.marks if mark in value]:
                words = f"must not have {found[0]} in it"
            case "dpi", int() if value > self.most_dpi:
                words = f"must be at most {self.most_dpi} (folder_settings.max_dpi), not {value}"
            case _, int() if name in _DAYS and (most := self.most_days.get(name, 0)) and not 0 < value <= most:
                words = f"must be from 1 to {most}, the days of the configuration, not {value}"
        return words
