"""Files become jobs: notice, settle, admit, claim."""
