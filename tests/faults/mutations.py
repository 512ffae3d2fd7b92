"""PDFs that were made by the tests and then damaged by a seeded source of chance: the same seed, the same files.

Which file came of which mutation is in its name; what must become of it stands in the test.
"""

import io
import re
from collections.abc import Callable, Iterator
from random import Random

import pikepdf

from tests import pdfs
from tests.faults.hostile import assembled, nested_forms, page, stream

_GIANTS = (b"2147483647", b"-2147483648", b"4294967296", b"99999999999999999999", b"-1", b"0", b"1e308", b"0.0000001")
_NUMBERED = (
    b"MediaBox", b"CropBox", b"Count", b"Length", b"Width", b"Height", b"BitsPerComponent", b"Rotate", b"Size", b"W",
    b"Index", b"First", b"N", b"Predictor", b"Columns", b"FirstChar", b"LastChar", b"UserUnit", b"Prev", b"R", b"V",
)  # fmt: skip
_NAMES = (
    b"/Type", b"/Page", b"/Pages", b"/Catalog", b"/Kids", b"/Parent", b"/Contents", b"/Resources", b"/Font",
    b"/XObject", b"/FlateDecode", b"/DCTDecode", b"/LZWDecode", b"/CCITTFaxDecode", b"/JBIG2Decode", b"/JPXDecode",
    b"/RunLengthDecode", b"/ASCII85Decode", b"/DeviceRGB", b"/DeviceGray", b"/DeviceCMYK", b"/Indexed", b"/Pattern",
    b"/ICCBased", b"/Type0", b"/Type1", b"/Type3", b"/TrueType", b"/SMask", b"/Mask", b"/Encrypt", b"/Root",
    b"/Subtype", b"/Filter",
)  # fmt: skip

Mutation = Callable[[Random, bytearray, list[bytes]], bytearray]


def _flip_bits(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    for _number in range(random.choice((1, 4, 16, 64))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return data


def _truncate(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    return data[: random.randrange(8, len(data))]


def _cut_out(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    start = random.randrange(8, len(data))
    del data[start : start + random.choice((1, 20, 500, 5000))]
    return data


def _repeat(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    start = random.randrange(8, len(data))
    piece = data[start : start + random.choice((10, 200, 2000))]
    data[start:start] = piece * random.choice((1, 2, 100))
    return data


def _overwrite(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    start = random.randrange(8, len(data))
    length = min(random.choice((4, 64, 1024)), len(data) - start)
    data[start : start + length] = random.choice((bytes(length), b"\xff" * length, random.randbytes(length)))
    return data


def _giant_number(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    found = [
        number
        for key in re.finditer(rb"/(%s)[\s\[]" % b"|".join(_NUMBERED), data)
        for number in re.finditer(rb"-?[0-9]+(\.[0-9]+)?", data[key.end() : key.end() + 60])
        for number in [(key.end() + number.start(), key.end() + number.end())]
    ]
    for start, end in sorted(random.sample(found, min(len(found), random.choice((1, 1, 3)))), reverse=True):
        data[start:end] = random.choice(_GIANTS)
    return data


def _other_reference(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    found = list(re.finditer(rb"\b[0-9]+ 0 R\b", data))
    for match in sorted(random.sample(found, min(len(found), random.choice((1, 2, 5)))), key=lambda m: -m.start()):
        data[match.start() : match.end()] = b"%d 0 R" % random.choice((0, 1, 2, 3, random.randrange(40), 99999))
    return data


def _swap_objects(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    found = list(re.finditer(rb"\b([0-9]+) 0 obj\b", data))
    if len(found) > 1:
        one, other = sorted(random.sample(found, 2), key=lambda match: match.start())
        data[other.start(1) : other.end(1)], data[one.start(1) : one.end(1)] = one[1], other[1]
    return data


def _second_table(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    start = max(data.rfind(b"xref", 0, data.rfind(b"startxref")), 0)
    table = bytes(data[start:])
    changed = re.sub(rb"trailer\s*<<", b"trailer << /Prev %d" % random.choice((start, 0, len(data), 10**12)), table)
    return data + b"\n" + changed * random.choice((1, 3, 50))


def _recursive_tree(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    kids = list(re.finditer(rb"/Kids\s*\[([^\]]*)\]", data))
    owner = re.search(rb"([0-9]+) 0 obj\s*<<[^>]*/Kids", data)
    if kids and owner:
        match = random.choice(kids)
        data[match.start(1) : match.end(1)] = b"%s 0 R " % owner[1] * random.choice((1, 2, 300)) + match[1]
    return data


def _deep_nesting(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    found = list(re.finditer(rb"<<", data))
    opening, closing = random.choice(((b"[", b"]"), (b"<</X", b">>"), (b"(", b")"), (b"<<", b"")))
    depth = random.choice((100, 5000, 60_000))
    if found:
        end = random.choice(found).end()
        data[end:end] = b"/Deep " + opening * depth + closing * depth
    return data


def _other_name(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    found = list(re.finditer(rb"/[A-Z][A-Za-z0-9]+", data))
    for match in sorted(random.sample(found, min(len(found), random.choice((1, 2, 8)))), key=lambda m: -m.start()):
        data[match.start() : match.end()] = random.choice(_NAMES)
    return data


def _without(random: Random, data: bytearray, _: list[bytes]) -> bytearray:
    word = random.choice((b"endobj", b"endstream", b"xref", b"trailer", b"startxref", b">>", b"/Length", b"%%EOF"))
    return bytearray(bytes(data).replace(word, b"", random.choice((1, -1))))


def _crossed(random: Random, data: bytearray, others: list[bytes]) -> bytearray:
    other = random.choice(others)
    return data[: random.randrange(8, len(data))] + other[random.randrange(len(other)) :]


def _several(random: Random, data: bytearray, others: list[bytes]) -> bytearray:
    for mutation in random.sample(_SIMPLE, 3):
        if len(data) > 16:
            data = mutation(random, data, others)
    return data


_SIMPLE: tuple[Mutation, ...] = (
    _flip_bits, _truncate, _cut_out, _repeat, _overwrite, _giant_number, _other_reference, _swap_objects,
    _second_table, _recursive_tree, _deep_nesting, _other_name, _without, _crossed,
)  # fmt: skip


def _saved(data: bytes, **options: object) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(buffer, static_id=True, **options)
    return buffer.getvalue()


def whole_documents() -> list[bytes]:
    """What is damaged: texts, scans, drawings, forms, with tables of either kind, packed and unpacked, locked."""
    text, figure = pdfs.born_digital(2), pdfs.with_figure()
    plain = {"stream_decode_level": pikepdf.StreamDecodeLevel.all, "compress_streams": False}
    streams = pikepdf.ObjectStreamMode
    function = stream(b"{ add sin }", b"/FunctionType 4 /Domain [0 1 0 1] /Range [0 1]")
    shading = b"<< /ShadingType 1 /ColorSpace /DeviceGray /Function 11 0 R /Matrix [300 0 0 400 0 0] >>"
    return [
        text,
        figure,
        pdfs.image_only(dpi=40),
        pdfs.owner_locked(),
        pdfs.two_columns(),
        _saved(text, object_stream_mode=streams.disable, **plain),
        _saved(figure, object_stream_mode=streams.disable, **plain),
        _saved(text, object_stream_mode=streams.generate),
        _saved(text, linearize=True),
        nested_forms(3, 3),
        page(stream(b"/S sh"), b"/Resources << /Shading << /S 10 0 R >> >>", more={10: shading, 11: function}),
        assembled({
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 3 >>",
            3: b"<< /Type /Pages /Parent 2 0 R /Kids [4 0 R 4 0 R] /Count 2 /MediaBox [0 0 99 99] >>",
            4: b"<< /Type /Page /Parent 3 0 R >>",
            5: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 50 60] /Annots [<< /Subtype /Link /Rect [0 0 9 9] >>] >>",
        }),
    ]  # fmt: skip


def mutated(seed: int, count: int, whole_every: int) -> Iterator[tuple[str, bytes]]:
    """Damaged files with their names; every so many is left whole, and its name says so."""
    random = Random(seed)  # noqa: S311 - it has to be repeatable, not secret
    documents = whole_documents()
    mutations = (*_SIMPLE, _several)
    for number in range(count):
        document = documents[number // len(mutations) % len(documents)]
        if number % whole_every == 0:
            yield f"{number:05d}-whole.pdf", document
            continue
        mutation = mutations[number % len(mutations)]
        data = bytes(mutation(random, bytearray(document), documents))
        yield f"{number:05d}-{mutation.__name__.strip('_').replace('_', '-')}.pdf", data
