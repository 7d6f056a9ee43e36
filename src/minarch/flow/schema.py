"""`python -m minarch.flow.schema`: writes the params files' JSON schema, which editors complete and check from."""

import json
from pathlib import Path

from minarch.flow.study import Study

SCHEMA = Path("workflow/schemas/params.schema.json")


def text() -> str:
    """The schema generated from the types, so that the two cannot say different things."""
    return json.dumps(Study.model_json_schema(), indent=1) + "\n"


if __name__ == "__main__":
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(text())
