"""A daemon that turns a folder into an OCR service.

The rooms: `inbox` (files become jobs), `jobs` (what a job is and where it lives), `pipeline` (pages go
through), `engines` (who reads a page), `analysis` (lines become blocks), `document` (what was read and how
it is written), `service` (how it is run), `config` and `cli`. Imports run one way, from `cli` down to
`errors`; the contract stands in pyproject.toml.
"""

__version__ = "0.1.0"
