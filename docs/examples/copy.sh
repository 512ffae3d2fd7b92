#!/bin/sh
# Copy each result to another folder, such as a mounted share.     hooks: {completed: [/etc/pdfocr-watcher/copy.sh, /mnt/archive]}
# It appears there complete, by one rename. What a link in the result leads to is not copied.
set -eu
[ -d "$1" ] || { echo "$1 is not there: is it mounted?" >&2; exit 1; }
part=$1/.$PDFOCR_JOB_ID.part
trap 'rm -rf "$part"' EXIT
cp -RP -- "$PDFOCR_FOLDER" "$part"
mv -T -- "$part" "$1/$(basename -- "$PDFOCR_FOLDER")"
