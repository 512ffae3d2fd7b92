"""Pages go through: rendering, scheduling, recognition, assembly."""
