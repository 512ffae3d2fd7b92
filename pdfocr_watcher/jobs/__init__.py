"""What a job is and where it lives: its status file, its folder, the index, recovery."""
