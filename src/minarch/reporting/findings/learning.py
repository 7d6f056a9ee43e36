"""The models that go on to pruning and quantization, and their learning curves."""

from minarch.analysis.choice import FURTHER
from minarch.reporting.figures.curves import draw_curves
from minarch.reporting.findings.finding import Finding

FINDING = Finding(
    name="learning",
    title="Learning curves",
    heading="The representatives and how they learned",
    tables={"representatives": "one model that was pruned and quantized"},
    figures={
        "learning-accuracy": lambda evidence: draw_curves(*evidence.representatives, "accuracy"),
        "learning-loss": lambda evidence: draw_curves(*evidence.representatives, "loss"),
    },
    facts=lambda evidence: {"further": FURTHER},
)
