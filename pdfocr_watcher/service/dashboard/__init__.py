"""status/index.html: what a person sees of the service who opens the share; one file, which needs nothing else."""
