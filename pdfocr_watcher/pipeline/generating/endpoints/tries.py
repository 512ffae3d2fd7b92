"""What becomes of a page that a server left unanswered: it is asked again, but not for ever. Pure."""

from dataclasses import dataclass

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.endpoints.fault import Fault, FaultKind

#: How often a page may be with a server when it is lost, be let down by a load balancer, or get what is no answer.
_MOST = 3
#: Says nothing about the page, however often it happens.
_INNOCENT = frozenset({FaultKind.UNREACHED, FaultKind.BUSY})


@dataclass(slots=True)
class Tries:
    """What happened to one page so far.

    Attributes:
        losses: servers that were lost with it in hand.
        gateways: load balancers that did not wait for it.
        oddities: anything else that came instead of an answer.
    """

    losses: int = 0
    gateways: int = 0
    oddities: int = 0

    def after(self, fault: Fault, server: str) -> PdfocrError | None:
        """Note that a server did not answer it.

        Returns:
            The page's failure, if it is not asked again.
        """
        detail = f"{_MOST} times; the last time, {server}: {fault.reason.rstrip('.')}."
        if fault.kind in _INNOCENT:
            return None
        if fault.kind is FaultKind.LOST:
            self.losses += 1
            return PdfocrError(ErrorCode.ENGINE_CRASHED, f"Servers {detail}") if self.losses >= _MOST else None
        if fault.kind is FaultKind.GATEWAY:
            self.gateways += 1
            return PdfocrError(ErrorCode.ENGINE_TIMEOUT, f"So {detail}") if self.gateways >= _MOST else None
        self.oddities += 1
        return PdfocrError(ErrorCode.ENGINE_FAILED, f"So {detail}") if self.oddities >= _MOST else None
