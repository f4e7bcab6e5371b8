"""What waiting costs a person: figures and ratios, printed and never asserted on, for machines differ."""
