"""What was read and how it is written: the document model and the outputs made of it."""
