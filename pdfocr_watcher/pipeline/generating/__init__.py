"""Pages are read by a model that writes: in a process beside the daemon, or behind servers."""
