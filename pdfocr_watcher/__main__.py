"""`python -m pdfocr_watcher` is the console script."""

from pdfocr_watcher.cli.app import main

if __name__ == "__main__":
    main()
