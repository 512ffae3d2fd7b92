#!/bin/sh
# Mail what became of a PDF.     hooks: {failed: [/etc/pdfocr-watcher/mail.sh, scans@example.org]}
# Needs a program `sendmail`, which postfix, exim, msmtp and others bring.
# File names are other people's words: they stand in the body, never in a header.
set -eu
{
    printf 'To: %s\nSubject: PDF %s (%s)\n' "$1" "$PDFOCR_STATUS" "$PDFOCR_JOB_ID"
    printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    printf 'File:   %s\nFolder: %s\nPages:  %s, of which %s could not be read\n' \
        "$PDFOCR_SOURCE" "$PDFOCR_FOLDER" "$PDFOCR_PAGES" "$PDFOCR_FAILED_PAGES"
    [ -z "$PDFOCR_ERROR_MESSAGE" ] || printf '\n%s\n' "$PDFOCR_ERROR_MESSAGE"
} | sendmail -oi -- "$1"
