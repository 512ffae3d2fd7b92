"""What each kind of model writes, read into blocks: one reader for every `profiles.Parser`.

The readers that know nothing of models stand in `document`; here are the formats that belong to one family of models.
Pure: text in, blocks out, nothing is evaluated and nothing is raised for what a model wrote.
"""

from pdfocr_watcher.document.grounding_reader import read_grounding
from pdfocr_watcher.document.markdown_reader import read_markdown
from pdfocr_watcher.document.reading import Reading
from pdfocr_watcher.engines.outputs.front_matter import read_front_matter
from pdfocr_watcher.engines.outputs.layout_json import read_layout_json
from pdfocr_watcher.engines.profiles import Parser


def read_output(parser: Parser, text: str, width: int, height: int) -> Reading:
    """Read what a model wrote for a page.

    Args:
        parser: the format that the model's profile names.
        text: all of it, special tokens included, without the one that ends it.
        width: of the picture that the model was given, in pixels.
        height: of that picture, in pixels.

    Returns:
        The page's blocks; boxes are on the 0..999 grid of the picture.
    """
    match parser:
        case Parser.GROUNDING:
            return read_grounding(text)
        case Parser.MARKDOWN:
            return read_markdown(text)
        case Parser.FRONT_MATTER:
            return read_front_matter(text)
        case Parser.LAYOUT_JSON:
            return read_layout_json(text, width, height)
