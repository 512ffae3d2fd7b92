"""How long to wait before an engine that does not start is tried again: longer and longer, for ever."""

#: Seconds between two tries to start an engine that does not start: doubled up to the last.
BACKOFF = (1.0, 60.0)


def pause(failures: int, figures: tuple[float, float] = BACKOFF) -> float:
    """Seconds to wait before the next try.

    Args:
        failures: how many tries in a row have failed.
        figures: the first pause and the longest.
    """
    first, longest = figures
    # The exponent has a bound: these tries go on for years.
    return min(first * 2 ** min(failures - 1, 30), longest) if failures else 0.0
