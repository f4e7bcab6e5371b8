"""Blocks, their limits, and words made safe."""
