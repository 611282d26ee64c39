"""The one kind of error that a person is shown."""


class UserError(ValueError):
    """Something that the caller can mend; the message says in one line what is wrong and what to do."""
