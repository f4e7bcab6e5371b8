"""How the bot knows that a service is failing: objectives, exact counts, error budgets, burn rates and episodes."""
