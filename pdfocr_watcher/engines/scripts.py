"""Scripts and languages: which there are, how they are called, who reads them, which Debian package brings them.

The codes are those of Tesseract's language data, https://tesseract-ocr.github.io/tessdoc/Data-Files-in-different-versions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

#: What stands for "by the looks of each page".
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Script:
    """A script of the world.

    Attributes:
        name: as Unicode calls it.
        ranges: the code points of its letters, first and last.
        languages: the codes of the languages that write in it, the more usual ones first.
        right_to_left: how its lines run.
    """

    name: str
    ranges: tuple[tuple[int, int], ...]
    languages: tuple[str, ...]
    right_to_left: bool = False

    def has(self, character: str) -> bool:
        """Whether a character is one of its letters or marks."""
        return any(first <= ord(character) <= last for first, last in self.ranges)

    def share(self, text: str) -> float:
        """The share of a text's letters that are of this script, 0..1; 0 where it has none."""
        letters = [character for character in text if character.isalpha()]
        return sum(map(self.has, letters)) / len(letters) if letters else 0.0


LATIN = Script(
    "Latin",
    ((0x41, 0x24F), (0x1E00, 0x1EFF)),
    (
        "eng", "deu", "fra", "spa", "por", "ita", "nld", "pol", "ces", "slk", "hun", "ron", "hrv", "slv", "bos",
        "srp_latn", "sqi", "tur", "aze", "uzb", "swe", "dan", "nor", "fin", "isl", "fao", "est", "lav", "lit", "lat",
        "cat", "glg", "eus", "oci", "bre", "cym", "gle", "gla", "mlt", "ltz", "fry", "afr", "swa", "ind", "msa", "jav",
        "sun", "fil", "ceb", "vie", "yor", "mri", "ton", "que", "hat", "epo", "kmr", "cos", "enm", "frm", "ita_old",
        "spa_old",
    ),
)  # fmt: skip
#: Latin letters in the shapes that German was printed in up to 1941.
FRAKTUR = Script("Fraktur", LATIN.ranges, ("frk", "deu_latf"))

#: The scripts that PP-OCR does not read; Tesseract does.
FOREIGN = (
    Script(
        "Cyrillic",
        ((0x400, 0x52F),),
        ("rus", "ukr", "bel", "bul", "srp", "mkd", "kaz", "kir", "mon", "tat", "tgk", "aze_cyrl", "uzb_cyrl"),
    ),
    Script("Greek", ((0x370, 0x3FF), (0x1F00, 0x1FFF)), ("ell", "grc")),
    Script("Hangul", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF)), ("kor",)),
    Script(
        "Arabic",
        ((0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)),
        ("ara", "fas", "urd", "pus", "snd", "uig"),
        right_to_left=True,
    ),
    Script("Hebrew", ((0x590, 0x5FF), (0xFB1D, 0xFB4F)), ("heb", "yid"), right_to_left=True),
    Script("Thai", ((0xE00, 0xE7F),), ("tha",)),
    Script("Devanagari", ((0x900, 0x97F),), ("hin", "mar", "nep", "san")),
    Script("Bengali", ((0x980, 0x9FF),), ("ben", "asm")),
    Script("Gurmukhi", ((0xA00, 0xA7F),), ("pan",)),
    Script("Gujarati", ((0xA80, 0xAFF),), ("guj",)),
    Script("Oriya", ((0xB00, 0xB7F),), ("ori",)),
    Script("Tamil", ((0xB80, 0xBFF),), ("tam",)),
    Script("Telugu", ((0xC00, 0xC7F),), ("tel",)),
    Script("Kannada", ((0xC80, 0xCFF),), ("kan",)),
    Script("Malayalam", ((0xD00, 0xD7F),), ("mal",)),
    Script("Sinhala", ((0xD80, 0xDFF),), ("sin",)),
    Script("Georgian", ((0x10A0, 0x10FF), (0x2D00, 0x2D2F)), ("kat", "kat_old")),
    Script("Armenian", ((0x530, 0x58F),), ("hye",)),
    Script("Khmer", ((0x1780, 0x17FF),), ("khm",)),
    Script("Lao", ((0xE80, 0xEFF),), ("lao",)),
    Script("Myanmar", ((0x1000, 0x109F),), ("mya",)),
    Script("Tibetan", ((0xF00, 0xFFF),), ("bod", "dzo")),
    Script("Ethiopic", ((0x1200, 0x139F),), ("amh", "tir")),
    Script("Syriac", ((0x700, 0x74F),), ("syr",), right_to_left=True),
    Script("Thaana", ((0x780, 0x7BF),), ("div",), right_to_left=True),
    Script("Cherokee", ((0x13A0, 0x13FF), (0xAB70, 0xABBF)), ("chr",)),
    Script("Canadian_Aboriginal", ((0x1400, 0x167F),), ("iku",)),
)

#: Han, kana: PP-OCR reads them too, and better.
HAN = Script(
    "Han",
    ((0x2E80, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF)),
    ("chi_sim", "chi_tra", "jpn", "chi_sim_vert", "chi_tra_vert", "jpn_vert"),
)

SCRIPTS = (LATIN, HAN, FRAKTUR, *FOREIGN)

#: What scripts are called by Tesseract's script detection where that is not Unicode's word.
OSD_NAMES = MappingProxyType({"Korean": "Hangul", "Japanese": "Han", "HanS": "Han", "HanT": "Han"})

#: English names of languages and ISO 639-1 codes, by which a configuration may call them too.
_NAMES = MappingProxyType(
    {
        "eng": ("en", "english"), "deu": ("de", "german"), "fra": ("fr", "french"), "spa": ("es", "spanish"),
        "por": ("pt", "portuguese"), "ita": ("it", "italian"), "nld": ("nl", "dutch"), "pol": ("pl", "polish"),
        "ces": ("cs", "czech"), "slk": ("sk", "slovak"), "hun": ("hu", "hungarian"), "ron": ("ro", "romanian"),
        "hrv": ("hr", "croatian"), "slv": ("sl", "slovenian"), "bos": ("bs", "bosnian"), "sqi": ("sq", "albanian"),
        "tur": ("tr", "turkish"), "swe": ("sv", "swedish"), "dan": ("da", "danish"), "nor": ("no", "norwegian"),
        "fin": ("fi", "finnish"), "isl": ("is", "icelandic"), "est": ("et", "estonian"), "lav": ("lv", "latvian"),
        "lit": ("lt", "lithuanian"), "cat": ("ca", "catalan"), "gle": ("ga", "irish"), "cym": ("cy", "welsh"),
        "ind": ("id", "indonesian"), "msa": ("ms", "malay"), "vie": ("vi", "vietnamese"), "lat": ("la", "latin"),
        "rus": ("ru", "russian"), "ukr": ("uk", "ukrainian"), "bel": ("be", "belarusian"), "bul": ("bg", "bulgarian"),
        "srp": ("sr", "serbian"), "mkd": ("mk", "macedonian"), "kaz": ("kk", "kazakh"), "mon": ("mn", "mongolian"),
        "ell": ("el", "greek"), "kor": ("ko", "korean"), "jpn": ("ja", "japanese"), "chi_sim": ("zh", "chinese"),
        "ara": ("ar", "arabic"), "fas": ("fa", "persian"), "urd": ("ur", "urdu"), "heb": ("he", "hebrew"),
        "yid": ("yi", "yiddish"), "tha": ("th", "thai"), "hin": ("hi", "hindi"), "mar": ("mr", "marathi"),
        "nep": ("ne", "nepali"), "ben": ("bn", "bengali"), "pan": ("pa", "punjabi"), "guj": ("gu", "gujarati"),
        "ori": ("or", "odia"), "tam": ("ta", "tamil"), "tel": ("te", "telugu"), "kan": ("kn", "kannada"),
        "mal": ("ml", "malayalam"), "sin": ("si", "sinhala"), "kat": ("ka", "georgian"), "hye": ("hy", "armenian"),
        "khm": ("km", "khmer"), "lao": ("lo", "lao"), "mya": ("my", "burmese"), "bod": ("bo", "tibetan"),
        "amh": ("am", "amharic"), "frk": ("fraktur",),
    }
)  # fmt: skip

_CODES = MappingProxyType(
    {name: code for code, names in _NAMES.items() for name in names}
    | {code: code for script in SCRIPTS for code in script.languages}
)


def known_names() -> tuple[str, ...]:
    """Every word by which a configuration may call a language, and `auto`."""
    return (AUTO, *sorted(_CODES))


def code_of(name: str) -> str | None:
    """Tesseract's code of a language, given that or another of its names; None where it is not known."""
    return _CODES.get(name.strip().lower().replace("-", "_"))


def package_of(code: str) -> str:
    """The Debian package with the data of a language."""
    # Debian's data of German in Fraktur are those of "frk".
    return f"tesseract-ocr-{code.replace('_', '-')}"


def script_of(code: str) -> Script | None:
    """The script that a language is written in; None where it is not known."""
    return next((script for script in SCRIPTS if code in script.languages), None)


def is_foreign(name: str) -> bool:
    """Whether PP-OCR does not read a language, or not well; given any of its names. `auto` is none."""
    return name != AUTO and script_of(code_of(name) or name) not in {LATIN, HAN}


def main_script(text: str) -> Script | None:
    """The foreign script of most of a text's letters; None where there is none."""
    return next((script for script in FOREIGN if script.share(text) > 1 / 2), None)


def install_advice(codes: Iterable[str]) -> str:
    """The command that installs languages."""
    return f"`apt-get install {' '.join(map(package_of, codes))}`"
