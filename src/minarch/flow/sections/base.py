"""What all sections of a params file have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict

# A field so marked lists items or says where files lie: it is not part of any item's identity, each item carries its
# own point.
NOT_IDENTITY: dict[str, Any] = {"identity": False}
Real = Annotated[float, Strict(False)]  # YAML reads 1e-3 as a text
Share = Annotated[Real, Field(gt=0, lt=1)]
Level = Annotated[Real, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class Section(BaseModel):
    """A section of the params file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def identity(self) -> dict[str, Any]:
        """What an item of this section is keyed by. None (an option that is off) is left out, so a new option keeps
        old keys.
        """
        hidden = {name for name, f in type(self).model_fields.items() if f.json_schema_extra == NOT_IDENTITY}
        return self.model_dump(mode="json", exclude=hidden, exclude_none=True)
