"""What the quick networks doubt is read by the careful ones, and nothing else is."""

from dataclasses import dataclass, field

import numpy as np

from pdfocr_watcher.engines.cascade import Cascade, Networks
from pdfocr_watcher.engines.raster import Quad, Raster
from pdfocr_watcher.engines.recognition import LineReading

#: A page of three lines, each of its own shade of gray.
SHADES = (40, 120, 200)
PAGE = np.full((300, 400, 3), 255, dtype=np.uint8)
for _number, _shade in enumerate(SHADES):
    PAGE[100 * _number + 20 : 100 * _number + 60, 20:380] = _shade


@dataclass
class Finder:
    """Finds the lines of the page whose shades it is given."""

    shades: tuple[int, ...] = SHADES
    looked: int = 0

    def find(self, raster: Raster) -> list[Quad]:
        self.looked += 1
        tops = [100 * SHADES.index(shade) + 20 for shade in self.shades]
        corners = [[(20, top), (380, top), (380, top + 40), (20, top + 40)] for top in tops]
        return [np.array(quad, dtype=np.float32) for quad in corners if raster.size]


@dataclass
class Reader:
    """Reads the shade of a line, as surely as it is told."""

    name: str
    sure: dict[int, float]
    read_shades: list[int] = field(default_factory=list)

    def read(self, picture: Raster) -> LineReading:
        shade = min(SHADES, key=lambda one: abs(one - int(np.median(picture))))
        self.read_shades.append(shade)
        return LineReading(f"{self.name} {shade}", self.sure[shade], tuple(map(float, range(20))), 20.0)


def careful() -> Reader:
    return Reader("careful", dict.fromkeys(SHADES, 0.9))


def said(cascade: Cascade) -> list[str]:
    return [line.reading.text for line in cascade.read(PAGE)]


def test_a_sure_page_is_read_once():
    quick, other = Reader("quick", dict.fromkeys(SHADES, 0.98)), careful()
    finder = Finder()
    assert said(Cascade(Networks(Finder(), quick), Networks(finder, other))) == ["quick 40", "quick 120", "quick 200"]
    assert (finder.looked, other.read_shades) == (0, [])


def test_a_doubtful_line_is_read_again_where_it_was_found():
    quick, other = Reader("quick", {40: 0.98, 120: 0.8, 200: 0.98}), careful()
    finder = Finder()
    cascade = Cascade(Networks(Finder(), quick), Networks(finder, other))
    lines = cascade.read(PAGE)
    assert [line.reading.text for line in lines] == ["quick 40", "careful 120", "quick 200"]
    assert lines[1].quad[:, 1].tolist() == [120, 120, 160, 160]
    assert finder.looked == 0, "lines are not searched again for one line's sake"


def test_a_doubtful_page_is_found_and_read_again_as_a_whole():
    quick = Reader("quick", {40: 0.98, 120: 0.6, 200: 0.6})
    cascade = Cascade(Networks(Finder((40, 200)), quick), Networks(Finder(), careful()))
    assert said(cascade) == ["careful 40", "careful 120", "careful 200"]


def test_a_page_on_which_the_quick_one_finds_nothing_is_looked_at_again():
    cascade = Cascade(Networks(Finder(()), Reader("quick", {})), Networks(Finder(), careful()))
    assert len(said(cascade)) == len(SHADES)


def test_alone_the_quick_one_is_believed():
    assert said(Cascade(Networks(Finder(), Reader("quick", dict.fromkeys(SHADES, 0.3))))) == [
        "quick 40",
        "quick 120",
        "quick 200",
    ]


def test_a_piece_is_read_by_the_careful_one_where_there_is_one():
    quick, piece = Reader("quick", dict.fromkeys(SHADES, 0.98)), PAGE[20:60, 20:380]
    assert Cascade(Networks(Finder(), quick), Networks(Finder(), careful())).read_piece(piece).text == "careful 40"
    assert Cascade(Networks(Finder(), quick)).read_piece(piece).text == "quick 40"
