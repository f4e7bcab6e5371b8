"""One protocol client each: they speak to other systems, map every failure to a sentence, and decide nothing."""
