"""Claims as the daemon makes them: a refusal makes it look at the folders, for it may not be the file's fault."""

from dataclasses import dataclass
from datetime import datetime

from pdfocr_watcher.daemon.aftermath import Aftermath
from pdfocr_watcher.inbox.claim import Claim, Claimer
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.jobs.settings import JobSettings


@dataclass(frozen=True, slots=True)
class TellingClaimer(Claimer):
    """A claimer that says so when a file system refuses.

    Attributes:
        aftermath: whom it tells.
    """

    aftermath: Aftermath

    def claim(
        self,
        path: str,
        signature: Signature,
        now: datetime,
        sha256: str | None = None,
        settings: JobSettings | None = None,
    ) -> Claim | None:
        """Claim a file (see `Claimer.claim`)."""
        try:
            # Not super(): a dataclass with slots is another class than the one that it was written as.
            claim = Claimer.claim(self, path, signature, now, sha256, settings)
        except OSError:
            self.aftermath.claim_refused()
            raise
        if claim is None:
            self.aftermath.file_not_had()
        return claim
