"""Stage refined: the sizes that stage refine adds, trained as those of the sweep are."""

from minarch.flow.job import run_stage
from minarch.sweep import work

if __name__ == "__main__":
    run_stage("refined", work)
