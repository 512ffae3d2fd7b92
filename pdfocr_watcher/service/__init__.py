"""How the daemon is run: logging, health, the lock that keeps it alone."""
