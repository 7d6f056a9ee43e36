"""Claims of the papers, judged by the tables of the reports in this repository: reports/claims.html.

A module per subject says how its claims are judged; nothing is computed here but what stands in those tables.
"""

from minarch.claims import bits, gated, grown, minimal, pruned, regimes, shape, weights

CLAIMS = (
    regimes.CLAIM,
    shape.CLAIM,
    minimal.CLAIM,
    pruned.DEPTH,
    pruned.REDUNDANCY,
    bits.CLAIM,
    weights.CLAIM,
    grown.MNIST,
    grown.SVHN,
    gated.BOTH,
)
