"""The daemon: wires the rooms together. `app` has the whole, the other modules one duty each."""
