"""One server behind the network: what it is asked, what its answers mean, how it stands, which is chosen.

The line of pages that they share is in `pipeline.generating.servers`.
"""
