"""What all sections of a params file have in common."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from minarch.errors import short
from minarch.flow.scalars import NUMBER

# A field so marked lists items or says where files lie: it is not part of any item's identity, each item carries its
# own point.
NOT_IDENTITY: dict[str, Any] = {"identity": False}
# A field so marked is part of it only if it differs from its default: a newer option, without which old keys stay.
UNLESS_DEFAULT: dict[str, Any] = {"identity": "unless default"}
MOST_EPOCHS, MOST_REPEATS = 100_000, 10_000
MOST_VALUES = 1_000  # in a list that means a set


def number(value: Any) -> Any:
    """YAML 1.1 reads 1e-3 as a text; it is a number all the same, and no other text is one."""
    return float(value) + 0.0 if isinstance(value, str) and NUMBER.fullmatch(value) else value  # 0.0: without a sign


def _distinct(values: list[Any]) -> list[Any]:
    if len(values) > MOST_VALUES:
        raise ValueError(f"{len(values):,} values are not allowed; allowed: at most {MOST_VALUES:,}")
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"{short(value)} stands twice; allowed: each value once")
    return values


Value = TypeVar("Value")
Distinct = Annotated[list[Value], AfterValidator(_distinct)]  # a set in the order written: what every list here is
NUMBERS = BeforeValidator(number)
Real = Annotated[float, NUMBERS]
Share = Annotated[float, Field(gt=0, lt=1), NUMBERS]
Level = Annotated[float, Field(ge=0, lt=1), NUMBERS]
Points = Annotated[float, Field(gt=0, le=100), NUMBERS]  # percentage points
Drop = Annotated[float, Field(ge=0, le=100), NUMBERS]  # percentage points lost
Rate = Annotated[float, Field(gt=0, le=10), NUMBERS]  # of learning
Confidence = Annotated[float, Field(ge=0.5, le=0.999), NUMBERS]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what scikit-learn takes
Images = Annotated[int, Field(ge=1, le=10**6)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=30)]


class Section(BaseModel):
    """A section of the params file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def identity(self) -> dict[str, Any]:
        """What an item of this section is keyed by. None (an option that is off) is left out, so a new option keeps
        old keys.
        """
        fields = type(self).model_fields.items()
        hidden = {name for name, f in fields if f.json_schema_extra == NOT_IDENTITY}
        hidden |= {n for n, f in fields if f.json_schema_extra == UNLESS_DEFAULT and getattr(self, n) == f.default}
        return self.model_dump(mode="json", exclude=hidden, exclude_none=True)
