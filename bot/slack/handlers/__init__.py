"""One feature per file: what a click or a sent form asks of the desk, and what the person sees in return."""
