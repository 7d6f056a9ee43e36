"""What the report says of how networks were trained."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from minarch.flow.stages.train import Recipe
from minarch.reporting.wording import FORMATS


def said(**options):
    """The sentences about a recipe."""
    environment = Environment(
        loader=PackageLoader("minarch.reporting", "."), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= FORMATS
    training = Recipe.model_validate({"epochs": 9, **options}).model_dump(mode="json")
    return " ".join(str(environment.get_template("macros.html.j2").module.recipe(training)).split())


def test_a_plain_recipe_needs_no_words():
    assert said() == ""


def test_every_option_is_told():
    assert said(schedule="cosine") == "The learning rate fell to 0 as a cosine."
    assert said(schedule="cosine", warmup=1).endswith("as a cosine, after it had risen for 1 epoch.")
    assert said(warmup=2) == "The learning rate rose for 2 epochs before."
    assert said(label_smoothing=0.1) == "Labels were smoothed by 0.1; losses are measured without."
    moved = said(augment={"shift": 2, "rotate": 7.5, "flip": True})
    assert "shifted by up to 2 pixels, rotated by up to 7.5 degrees, half of them mirrored." in moved
    assert "mirrored" not in said(augment={"shift": 1}) and "up to 1 pixel," in said(augment={"shift": 1})
