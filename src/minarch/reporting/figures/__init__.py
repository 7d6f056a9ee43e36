"""The report's figures: each module draws from tidy tables, or from the few networks whose weights are shown."""
