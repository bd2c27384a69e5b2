"""The slate: a local page where a network learns and reads what is drawn."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ardoise.slate.serving import serve

__all__ = ["serve"]


def __getattr__(name: str) -> Any:
    """Return `serve`; what it needs is imported when it is asked for."""
    if name == "serve":
        from ardoise.slate.serving import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
