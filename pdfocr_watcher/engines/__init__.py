"""Who reads a page. Engines are found by name, own no files and know nothing of jobs."""
