#!/bin/sh
# Send a message to ntfy.     hooks: {completed: [/etc/pdfocr-watcher/ntfy.sh, "https://ntfy.sh/your-topic"]}
# A second argument names a file with the line `Authorization: Bearer TOKEN`, which so stands in no command line.
set -eu
url=$1
set -- ${2:+--header "@$2"}
printf '%s: %s of %s pages read. %s\n' \
    "$PDFOCR_SOURCE" "$((PDFOCR_PAGES - PDFOCR_FAILED_PAGES))" "$PDFOCR_PAGES" "$PDFOCR_ERROR_MESSAGE" |
    curl --fail --silent --show-error --max-time 30 --output /dev/null \
        --header "Title: PDF $PDFOCR_STATUS" "$@" --data-binary @- "$url"
