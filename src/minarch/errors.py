"""The one error a user can cause."""


class UserError(ValueError):
    """A mistake in the user's input: one line that names the field, its value and what is allowed."""
