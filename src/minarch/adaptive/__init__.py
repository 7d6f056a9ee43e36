"""An adaptive sweep: sizes are trained one after the other where that tells most about the smallest reliable one.

`minarch find` asks these modules what to train next; the trainings themselves are ordinary items of stage sweep.
"""
