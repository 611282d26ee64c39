"""The base class of the errors that are shown to users."""


class UserError(ValueError):
    """An error the caller can fix; the message says in one line what is wrong and what to do."""
