"""Lines become blocks: columns, reading order, paragraphs, headings. Pure geometry and text, no files."""
