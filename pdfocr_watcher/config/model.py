"""The configuration model: every key, its default, its limits and the one line that explains it.

The sample file and the reference page are generated from this module; nothing else names a default.
"""

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pdfocr_watcher.config.choices import (
    Dtype,
    EngineName,
    FolderKey,
    LogFormat,
    LogLevel,
    NotPdf,
    Observer,
    OnDuplicate,
    Renderer,
    RepetitionGuard,
    Sandbox,
    TextLayer,
)
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.scripts import AUTO
from pdfocr_watcher.jobs.model import Output as OutputKind
from pdfocr_watcher.jobs.ownership import OwnerRule


def _hours_and_minutes(value: Any) -> Any:
    """Refuse what pydantic would take for a time as well: a number of seconds, a time with a zone."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{2}:[0-9]{2}", value):
        raise ValueError(value)
    return value


Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
Count = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=0, le=36500)]
TimeOfDay = Annotated[time, BeforeValidator(_hours_and_minutes)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Folders(Section):
    """Where files lie. Relative paths start at `root`, and `root` at the folder of the configuration file."""

    root: Path = Field(Path(), description="the folder that people see: health.json, index.json and status/ lie here")
    inbox: Path = Field(Path("inbox"), description="people drop PDFs here, in sub-folders too")
    jobs: Path = Field(Path("jobs"), description="claimed PDFs in work; best on a local disk")
    outbox: Path = Field(Path("outbox"), description="finished results, one folder a PDF")
    failed: Path = Field(Path("failed"), description="what could not be done, with the reason")


class Inbox(Section):
    """How files are noticed and judged complete."""

    observer: Observer = Field(
        Observer.AUTO,
        description="native events, polling, or auto: polling on network mounts (cifs, nfs, fuse, 9p)",
    )
    poll_interval: Seconds = Field(1.0, description="seconds between two looks of the polling observer")
    rescan_interval: Seconds = Field(10.0, description="seconds between two full sweeps; events only wake it earlier")
    settle_seconds: Seconds = Field(2.0, description="a file is complete when it has not changed for this long")
    unmarked_settle_seconds: Seconds = Field(
        30.0,
        description="the same for a file without an end-of-file marker near its end, and for an empty one",
    )
    sweep_timeout_seconds: Seconds = Field(30.0, description="a sweep that takes longer means an unreachable inbox")
    ignore: tuple[str, ...] = Field(
        (
            ".*", "~$*", "._*", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.download", "*.tmp", "*.temp",
            "*.swp", "*.lock", "Thumbs.db", "desktop.ini", "@eaDir", "#recycle", "$RECYCLE.BIN",
        ),
        description="names that are never looked at (shell patterns; a folder's name leaves out all inside)",
    )  # fmt: skip
    not_pdf: NotPdf = Field(
        NotPdf.FAIL,
        description="a file named .pdf that is none, or stays empty: fail it (moved to failed/) or leave it; "
        "files with other names are always left",
    )
    on_duplicate: OnDuplicate = Field(
        OnDuplicate.PROCESS,
        description="content that was done before: process again, reuse the result, or skip it",
    )
    min_free_bytes: int = Field(
        500_000_000, ge=0, description="below this free space where the jobs lie nothing is claimed"
    )
    min_free_inodes: int = Field(
        1000, ge=0, description="the same for the number of files that can still be made there (free inodes)"
    )
    max_waiting_jobs: Count = Field(
        10_000, description="claimed jobs that may wait; more files stay in the inbox until some are done"
    )


class Job(Section):
    """Limits of one job."""

    max_bytes: Count = Field(4_000_000_000, description="a larger PDF is failed")
    max_pages: Count = Field(20_000, description="a PDF with more pages is failed")
    max_attempts: Count = Field(
        5,
        description="how often in a row the daemon may die while a job is in work, and no page came of it, "
        "before the job is failed",
    )
    page_attempts: Count = Field(2, description="how often a page is tried before it is recorded as failed")
    max_render_seconds: Seconds = Field(
        6 * 3600.0,
        description="time that all renderers together may work on one PDF; the pages that are left then fail",
    )
    min_page_success: float = Field(
        0.5, ge=0, le=1, description="the share of pages that must be read for the job to count as completed"
    )


class Render(Section):
    """How pages become rasters."""

    renderer: Renderer = Field(Renderer.AUTO, description="poppler, pdfium, or auto: poppler where it is installed")
    workers: int = Field(0, ge=0, le=256, description="renderers at work at a time; 0 is one for each core")
    dpi: int = Field(
        0,
        ge=0,
        le=1200,
        description="dots per inch of the page rasters, at least 36; 0 is 200, and with vllm and vllm-server what the "
        "model's profile says",
    )
    queue_pages: Count = Field(
        32,
        description="page rasters that may exist at a time; with vllm and vllm-server besides those of the pages that "
        "the model has in hand",
    )
    range_pages: Count = Field(16, description="pages that one renderer process takes at a time")
    max_pixels: int = Field(
        40_000_000, ge=10_000, description="a page that would be larger is rendered at a lower resolution"
    )
    timeout_seconds: Seconds = Field(60.0, description="time limit for rendering a page or opening a document")
    memory_bytes: int = Field(4_000_000_000, ge=200_000_000, description="memory limit of one renderer process")
    straighten: bool = Field(
        True,
        description="whether pages that lie on their side, upside down or askew are made upright to be read",
    )
    passwords_file: str = Field(
        "",
        description="a file with passwords for encrypted PDFs, one a line, which are tried in order; outside of the "
        "folders above, and closed to others",
    )
    sandbox: Sandbox = Field(
        Sandbox.AUTO,
        description="renderers see one PDF, fonts and their own scratch folder, and no network (Landlock and seccomp): "
        "auto uses what the system has, required refuses to start without all of it, off keeps only the limits",
    )


class Engine(Section):
    """Who reads the pages. `engine: NAME` is short for `engine: {name: NAME}`."""

    name: EngineName = Field(
        EngineName.AUTO,
        description="rapidocr, tesseract, vllm (a model on this machine's GPU), vllm-server (the same behind servers), "
        "null (reads nothing), or auto: vllm where it is installed and there is a GPU, else rapidocr",
    )
    languages: tuple[str, ...] = Field(
        (AUTO,),
        description="for rapidocr and tesseract, the languages of the pages, such as [rus, eng] or [russian, en]; auto "
        "tells them from the looks of each page, among those that are installed: see docs/languages.md",
    )
    tessdata: str = Field(
        "",
        description="the folder with Tesseract's language data, absolute or below ~; if empty, TESSDATA_PREFIX's or "
        "the system's",
    )
    policy: ReadingPolicy = Field(
        ReadingPolicy.BALANCED,
        description="how carefully rapidocr reads: fast (by quick networks), balanced (by those, and again by careful "
        "ones what they read with doubt) or accurate (by the careful ones); accurate without the quick networks, which "
        "`pdfocr-watcher models install` brings",
    )
    word_lists: bool = Field(
        True,
        description="whether rapidocr reads hard lines, such as handwriting, by the words of their language as well "
        "(German, English, Spanish, French, Italian, Dutch, Portuguese), which `pdfocr-watcher models install` brings; "
        "more words come out right, but a wrong one may look right, too: false for a letter-by-letter reading",
    )
    text_layer: TextLayer = Field(
        TextLayer.IGNORE,
        description="for engines that read lines, what a page's own text layer is used for: ignore it; auto takes its "
        "words where they say what the picture shows; only takes them as they are and reads nothing",
    )
    profile: str = Field(
        "deepseek-ocr", description="for vllm and vllm-server, how the model is asked and read: see docs/models.md"
    )
    model: str = Field(
        "",
        description="the folder of the model's weights for vllm, and the name that the servers have for it for "
        "vllm-server; the profile's name on the hub, or what the servers serve, if empty",
    )
    max_concurrency: int = Field(
        0,
        ge=0,
        le=1024,
        description="pages read at a time, by each server with vllm-server; 0 is one for each core as far as memory "
        "goes, and 100 with vllm and vllm-server",
    )
    threads: int = Field(0, ge=0, le=256, description="threads that read one page; 0 shares the cores out")
    page_timeout_seconds: float = Field(
        0,
        ge=0,
        le=7 * 86400,
        description="time limit for reading a page, each time that it is asked for; 0 is 180, and 900 with vllm and "
        "vllm-server, where many pages share the time",
    )
    start_timeout_seconds: float = Field(
        0,
        ge=0,
        le=7 * 86400,
        description="time limit for starting the engine; 0 is 120, and 1800 with vllm",
    )
    memory_bytes: int = Field(
        0,
        ge=0,
        description="memory limit of one engine process; 0 is its share of three quarters of the memory, at least 2 GB",
    )


class Models(Section):
    """The weights with which engines on the CPU tell layout and tables and read quickly: see `models install`."""

    folder: str = Field(
        "",
        description="the folder that they lie in, absolute or below ~; if empty, XDG_DATA_HOME (that of the user) or "
        "/usr/local/share (that of the machine), below pdfocr-watcher/models",
    )


class Vllm(Section):
    """The engine `vllm`: a model on this machine's GPU, in a process of its own. docs/gpu.md helps to choose."""

    gpu_memory_utilization: float = Field(0.9, gt=0, le=1, description="the share of the GPU's memory that it takes")
    max_model_len: int = Field(0, ge=0, description="tokens of a page, picture and text together; 0 is the profile's")
    max_num_seqs: int = Field(0, ge=0, description="pages that it reads at a time; 0 is engine.max_concurrency")
    tensor_parallel_size: Count = Field(1, description="GPUs that share one model")
    dtype: Dtype = Field(Dtype.AUTO, description="how the model's numbers are kept; auto is as its authors say")
    enforce_eager: bool = Field(False, description="no CUDA graphs: starts sooner, reads more slowly")
    trust_remote_code: bool = Field(False, description="run Python code that lies in the model's folder")
    step_down: bool = Field(True, description="where the GPU's memory runs out, start again with fewer pages at a time")
    repetition: RepetitionGuard = Field(
        RepetitionGuard.AUTO,
        description="what ends a text that repeats itself: ngram (the model's own rule), detection (vLLM's), none, or "
        "auto: what the installed vLLM has",
    )
    extra_args: dict[str, Any] = Field(default_factory=dict, description="further arguments of vLLM's engine")


class Servers(Section):
    """The engine `vllm-server`: the model behind OpenAI-compatible servers, such as `vllm serve`."""

    urls: tuple[str, ...] = Field((), description="their addresses, such as http://gpu1:8000/v1")
    api_key_file: str = Field("", description="a file with the key that they ask for; best outside of shared folders")
    ca_file: str = Field("", description="certificates that theirs are checked against; those of the system if empty")
    verify_tls: bool = Field(True, description="whether their certificates are checked")
    health_interval: Seconds = Field(5.0, description="seconds between two looks at each server")


class Output(Section):
    """What is written."""

    write: tuple[OutputKind, ...] = Field(
        tuple(OutputKind),
        description="what is written beside output.mmd and images/ (docs/outputs.md); searchable_pdf needs an engine "
        "that tells lines",
    )
    layout_dpi: int = Field(100, ge=36, le=600, description="resolution of the pictures in output_layouts.pdf")
    jpeg_quality: int = Field(85, ge=30, le=100, description="JPEG quality of figures and layout pictures")
    running_titles: bool = Field(
        False,
        description="whether running headers, footers and page numbers are in output.mmd too; in output_det.mmd they "
        "always are",
    )


class Permissions(Section):
    """Whose the results are and who may read them; docs/permissions.md has recipes."""

    owner: OwnerRule = Field(
        OwnerRule.DROPPER,
        description="who dropped the PDF, where the daemon may give files away (root); or daemon: its user",
    )
    group: str = Field(
        "inherit",
        description="a group's name or number; or inherit: that of a set-group-id outbox, else that of the dropped "
        "PDF; or dropper; or daemon",
    )
    mode: str = Field(
        "inherit",
        description="of result folders, octal, such as 2770; or inherit: that of the folder they appear in, its ACL "
        "included",
    )
    keep_private: bool = Field(
        True,
        description="nobody may read a result who could not read the PDF in the inbox, and a sub-folder of the "
        "outbox has the permissions of its namesake in the inbox",
    )
    index_mode: str = Field("640", description="of index.json, index.journal and the dashboard, which name jobs, octal")


class Index(Section):
    """The index of jobs (index.json), derived from their status files."""

    flush_seconds: Seconds = Field(3.0, description="seconds between two writes of the index")
    max_jobs: Count = Field(10_000, description="finished jobs that the index keeps; older ones stay on disk only")


class Retention(Section):
    """How long results are kept: older ones are removed once a day, with the PDF."""

    completed_days: Days = Field(0, description="days that a completed job's result is kept; 0 keeps it for ever")
    failed_days: Days = Field(0, description="the same for a failed job's")
    at: TimeOfDay = Field(time(3, 30), description="when they are removed, by the clock of the machine")


class FolderSettings(Section):
    """What a file .pdfocr.yaml in a folder of the inbox may set, for what is dropped there: see docs/folders.md."""

    allow: tuple[FolderKey, ...] = Field(
        tuple(key for key in FolderKey if key is not FolderKey.RETENTION),
        description="the keys that it may have; [] to look at no such files. Who may write into the inbox's top folder "
        "sets them for all: allow retention only where whoever drops may also decide when results go",
    )
    max_dpi: int = Field(600, ge=36, le=1200, description="the highest resolution that it may ask for")


class Hooks(Section):
    """Commands that are run once a result was delivered: docs/hooks.md has examples."""

    completed: tuple[str, ...] = Field(
        (), description="the program and its arguments that are run for a completed job; none if empty"
    )
    failed: tuple[str, ...] = Field((), description="the same for a failed job")
    timeout_seconds: Seconds = Field(60.0, description="after this time a command is ended, with all that it started")
    max_parallel: int = Field(2, ge=1, le=32, description="commands that may run at a time; others wait")


class Service(Section):
    """How the daemon is run."""

    health_interval: Seconds = Field(
        5.0, description="seconds between two writes of health.json, the metrics and the dashboard"
    )
    metrics_file: str = Field(
        "",
        description="where the metrics for Prometheus are written, such as "
        "/var/lib/prometheus/node-exporter/pdfocr.prom; metrics.prom below the root if empty",
    )
    dashboard: bool = Field(True, description="keep a page that shows the jobs in work and done, status/index.html")
    shutdown_seconds: Seconds = Field(
        20.0, description="a stop finishes or gives up the pages in hand within this time"
    )
    log_format: LogFormat = Field(LogFormat.AUTO, description="console, json, or auto: console on a terminal")
    log_level: LogLevel = Field(LogLevel.INFO, description="debug, info, warning or error")


class Config(Section):
    """The whole configuration."""

    folders: Folders = Field(default_factory=Folders)
    inbox: Inbox = Field(default_factory=Inbox)
    job: Job = Field(default_factory=Job)
    render: Render = Field(default_factory=Render)
    engine: Engine = Field(default_factory=Engine)
    models: Models = Field(default_factory=Models)
    vllm: Vllm = Field(default_factory=Vllm)
    servers: Servers = Field(default_factory=Servers)
    profiles: dict[str, Any] = Field(
        default_factory=dict, description="Models that you describe yourself, by name: docs/models.md says how."
    )
    output: Output = Field(default_factory=Output)
    permissions: Permissions = Field(default_factory=Permissions)
    index: Index = Field(default_factory=Index)
    retention: Retention = Field(default_factory=Retention)
    folder_settings: FolderSettings = Field(default_factory=FolderSettings)
    hooks: Hooks = Field(default_factory=Hooks)
    service: Service = Field(default_factory=Service)

    @model_validator(mode="before")
    @classmethod
    def _engine_by_name(cls, data: Any) -> Any:
        """Take `engine: rapidocr` for `engine: {name: rapidocr}`."""
        if isinstance(data, dict) and isinstance(data.get("engine"), str):
            return {**data, "engine": {"name": data["engine"]}}
        return data
