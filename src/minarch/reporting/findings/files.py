"""Where every number lies: the tables of all findings, and the other files of the report's folder."""

from minarch.reporting.findings.finding import Finding

FINDING = Finding(
    name="files",
    title="Files",
    heading="Where every number lies",
    facts=lambda evidence: {"lengths": {name: len(table) for name, table in evidence.tables.items()}},
)
