"""Networks of one architecture trained side by side: parameters stacked over repeats, gradients written by hand."""
