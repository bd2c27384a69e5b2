"""What an export can have against a model, or a machine against an export."""

from ardoise.messages import UserError


class ExportError(UserError):
    """An export that cannot be written, or that failed its proof, in one sentence."""


class NotProvedError(UserError):
    """There is nothing on this machine to run an export with."""
