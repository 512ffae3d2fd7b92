"""Which languages lines are written in that an engine could not read: some of them are read in each that there is.

Whether a page needs that at all is decided here too, from how sure the engine was of its lines: pure but for the trial.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.scripts import FOREIGN, FRAKTUR, Script

#: PP-OCR reads letters of scripts that it does not know as those that look most like them: it is sure of Latin and
#: Chinese print from 0.97 on, line by line, and of Cyrillic up to 0.93.
DOUBT = 0.93
#: A line tells something from this many characters on; or where it is so many times longer than high and has fewer
#: characters than this for each time: those of Latin print are twice as high as wide, those of Chinese as wide as high.
MIN_CHARACTERS = 6
MIN_ASPECT = 3
MIN_DENSITY = 0.5
#: Where only some lines of a page are in doubt, they are so many times longer than high: labels in figures are not.
MIN_LONG = 6
#: A page is looked at again where so many of its lines are in doubt, and this share of them; or, of few lines, that.
MIN_DOUBTFUL = 2
LEAST_SHARE = 0.05
DOUBTFUL_SHARE = 0.25
#: A script is tried on if the first line of which anything is read has this confidence, and such a share of its
#: letters.
PROMISING, PROMISING_SHARE = 0.5, 0.3
#: So many lines are tried in a script, ...
SAMPLE = 3
#: ... and so many in each of its languages.
LANGUAGE_SAMPLE = 5
#: A script is the right one where its letters are read with this confidence, make up this share of all letters, and
#: are so many.
MIN_CONFIDENCE = 0.75
MIN_SHARE = 0.5
MIN_LETTERS = 8
#: The letter by which Fraktur is told from other Latin print, its least share of all letters (it has about 3 %), and
#: the confidence that is enough besides: old prints are seldom clean.
LONG_S = "\u017f"
MIN_LONG_S = 0.01
MIN_FRAKTUR_CONFIDENCE = 0.65

#: Reads parts of a page, each of one line, in languages.
Trial = Callable[[Sequence[Region], Sequence[str]], Sequence[Line | None]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What lines turned out to be written in.

    Attributes:
        script: theirs.
        languages: codes, the best one first.
    """

    script: Script
    languages: tuple[str, ...]


def doubtful_lines(lines: Sequence[Line], doubt: float = DOUBT) -> list[Line]:
    """The lines of a page that its reader hardly read.

    Args:
        lines: all that were found, also those whose text is empty.
        doubt: the confidence below which its reader has hardly read a line.

    Returns:
        None where there are so few that they are rather smudges and ornaments.
    """
    telling = [line for line in lines if _tells(line)]
    doubtful = [line for line in telling if _is_unread(line) or line.confidence < doubt]
    if 2 * len(doubtful) <= len(telling):
        doubtful = [line for line in doubtful if line.width >= MIN_LONG * line.height]
    enough = min(max(MIN_DOUBTFUL, LEAST_SHARE * len(telling)), max(1, DOUBTFUL_SHARE * len(telling)))
    return doubtful if len(doubtful) >= enough else []


def most_are(doubtful: Sequence[Line], lines: Sequence[Line]) -> bool:
    """Whether most of the lines of a page are in doubt."""
    return 2 * len(doubtful) > sum(map(_tells, lines))


def choose_languages(
    doubtful: Sequence[Line], installed: Sequence[str], trial: Trial, looks: str = ""
) -> Choice | None:
    """The languages that lines are written in; None where they are in none that there is.

    Args:
        doubtful: the lines, at least one.
        installed: the codes of the languages that may be chosen from.
        trial: reads some of them.
        looks: the script that their page seems to be in, which is tried first; where it is one that needs no other
            reader, nothing is tried. Empty where nothing tells.
    """
    if looks and not is_tried(looks):
        return None
    scripts = sorted((*FOREIGN, FRAKTUR), key=lambda script: script.name != looks)
    english = ("eng",) if "eng" in installed else ()
    longest = sorted(doubtful, key=lambda line: -line.width)
    for script in scripts:
        # Of Fraktur, the data of English would read half of the words, and wrongly.
        beside = () if script is FRAKTUR else english
        own = [code for code in script.languages if code in installed]
        if not own or not _promises(_first_reading(longest[:SAMPLE], (own[0], *beside), trial), script):
            continue
        if _says(trial(longest[:SAMPLE], (own[0], *beside)), script):
            sample = longest[:LANGUAGE_SAMPLE]
            best = own[0]
            if len(own) > 1:
                best = max(own, key=lambda code: _confidence(trial(sample, (code, *beside))))
            return Choice(script, (best, *beside))
    return None


def is_tried(name: str) -> bool:
    """Whether a script is one of those that are tried, by its name."""
    return any(script.name == name for script in (*FOREIGN, FRAKTUR))


def _tells(line: Line) -> bool:
    return len(line.text) >= MIN_CHARACTERS or _is_unread(line)


def _is_unread(line: Line) -> bool:
    """Whether there is room for far more characters than were read."""
    aspect = line.width / max(1.0, line.height)
    return aspect >= MIN_ASPECT and len(line.text) < MIN_DENSITY * aspect


def _first_reading(lines: Sequence[Line], codes: Sequence[str], trial: Trial) -> Sequence[Line | None]:
    """What is read of the first of some lines of which anything is: of some lines nothing is read at all."""
    readings: Sequence[Line | None] = ()
    for line in lines:
        readings = trial([line], codes)
        if any(readings):
            break
    return readings


def _promises(readings: Sequence[Line | None], script: Script) -> bool:
    """Whether a line that was read in a language of a script may be of that script."""
    text = " ".join(line.text for line in readings if line is not None)
    return _confidence(readings) >= PROMISING and script.share(text) >= PROMISING_SHARE


def _says(readings: Sequence[Line | None], script: Script) -> bool:
    """Whether lines that were read in a language of a script are of that script."""
    text = " ".join(line.text for line in readings if line is not None)
    letters = sum(map(str.isalpha, text))
    enough = MIN_FRAKTUR_CONFIDENCE if script is FRAKTUR else MIN_CONFIDENCE
    if letters < MIN_LETTERS or _confidence(readings) < enough or script.share(text) < MIN_SHARE:
        return False
    return script is not FRAKTUR or text.count(LONG_S) >= MIN_LONG_S * letters


def _confidence(readings: Sequence[Line | None]) -> float:
    """The mean over all lines, by their length; one that was not read counts as one character."""
    weights = [len(line.text) if line is not None else 1 for line in readings]
    sums = [line.confidence * len(line.text) for line in readings if line is not None]
    return sum(sums) / sum(weights) if weights else 0.0
