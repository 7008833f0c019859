"""``framelens serve``: the HTTP API and the page (extra ``[serve]``)."""

from __future__ import annotations

from framelens.errors import MissingExtraError

try:
    from framelens.server.app import create_app
    from framelens.server.run import serve
except ModuleNotFoundError as error:
    raise MissingExtraError.for_extra("serve", "serve") from error
from framelens.server.limits import Limits

__all__ = ["Limits", "create_app", "serve"]
