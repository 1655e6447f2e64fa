"""What goes out: who was registered."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.runtime.field import Text
from shared.runtime.form import Form


class Registration(Form):
    """A volunteer is registered, or brought up to date."""

    volunteer_id = Text(12, required=True)

    example: ClassVar[Mapping[str, Any]] = {"volunteer_id": "v012"}
