"""One surface per file: each turns a situation into the blocks of a message, modal or Home tab, and nothing else."""
