"""Jinja's environment of the pages that are written."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment_with_templates(package: str) -> Environment:
    """That of the templates in a package: values are escaped as HTML, and a name that is not given is an error."""
    return Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
