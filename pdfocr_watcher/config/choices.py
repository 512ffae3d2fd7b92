"""The words of the configuration: what a key may say that takes one of a few."""

from enum import StrEnum


class Observer(StrEnum):
    """How new files are noticed between two sweeps."""

    AUTO = "auto"
    NATIVE = "native"
    POLLING = "polling"


class NotPdf(StrEnum):
    """What becomes of a file that is named .pdf and is none."""

    LEAVE = "leave"
    FAIL = "fail"


class OnDuplicate(StrEnum):
    """What becomes of a PDF whose content was done before."""

    PROCESS = "process"
    REUSE = "reuse"
    SKIP = "skip"


class Renderer(StrEnum):
    """Who turns a page into a raster."""

    AUTO = "auto"
    POPPLER = "poppler"
    PDFIUM = "pdfium"


class Sandbox(StrEnum):
    """Whether renderers are confined."""

    AUTO = "auto"
    REQUIRED = "required"
    OFF = "off"


class EngineName(StrEnum):
    """The engines that a configuration may name."""

    AUTO = "auto"
    RAPIDOCR = "rapidocr"
    TESSERACT = "tesseract"
    VLLM = "vllm"
    VLLM_SERVER = "vllm-server"
    NULL = "null"


class FolderKey(StrEnum):
    """What people may set for a folder of the inbox."""

    PROFILE = "profile"
    PROMPT = "prompt"
    DPI = "dpi"
    OUTPUTS = "outputs"
    PRIORITY = "priority"
    LANGUAGES = "languages"
    RETENTION = "retention"


class TextLayer(StrEnum):
    """What the text layer of a page is used for."""

    IGNORE = "ignore"
    AUTO = "auto"
    ONLY = "only"


class RepetitionGuard(StrEnum):
    """What ends a text that repeats itself without end."""

    AUTO = "auto"
    NGRAM = "ngram"
    DETECTION = "detection"
    NONE = "none"


class Dtype(StrEnum):
    """How the model's numbers are kept."""

    AUTO = "auto"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


class LogFormat(StrEnum):
    """How log lines are written."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
