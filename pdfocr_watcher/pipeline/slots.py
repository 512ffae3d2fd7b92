"""Room for page rasters: the bound on what rendering may be ahead of reading."""

import asyncio


class RasterSlots:
    """A counter of free places, taken several at a time, first come, first served.

    Args:
        size: rasters that may exist at a time.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._room = asyncio.Event()
        self._order = asyncio.Lock()
        self.peak = 0

    @property
    def taken(self) -> int:
        """Rasters that exist, or are about to."""
        return self._size - self._free

    async def take(self, count: int) -> None:
        """Wait for room for `count` rasters and take it."""
        async with self._order:
            while self._free < count:
                self._room.clear()
                await self._room.wait()
            self._free -= count
            self.peak = max(self.peak, self.taken)

    def free(self) -> None:
        """A raster is gone."""
        self._free += 1
        self._room.set()
