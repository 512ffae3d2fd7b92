"""The configuration: one model that validates it, documents it and makes the sample file."""
