"""`minarch find`: the smallest network that learns one's own images reliably.

It searches by an adaptive sweep, whose trainings are ordinary items of a study that it writes, and then runs that
study to its report: pruning, quantization, front, recommendation.
"""

import os
import re
import subprocess
import sys
import time
from math import inf

from minarch.adaptive.decision import Beyond, Proven, Train
from minarch.adaptive.document import StudyFile
from minarch.adaptive.ladder import ladders
from minarch.adaptive.search import Goal, Next, plan_next
from minarch.adaptive.trials import Record, read_record
from minarch.analysis.reliability import proven_share
from minarch.commands.assumed import Assumed
from minarch.commands.estimates import estimated
from minarch.commands.quantities import count
from minarch.commands.recommend import recommend
from minarch.commands.units import duration
from minarch.errors import UserError
from minarch.flow.plan import Plan
