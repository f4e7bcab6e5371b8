"""How evidence moves the explanations of an incident, and which remedies each of them asks for."""
