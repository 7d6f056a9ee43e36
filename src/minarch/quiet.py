"""NNCF and OpenVINO without phoning home and without chatter; everything of ours gets both from here.

Their telemetry starts threads (which a fork would lose), waits for the network and writes into the home folder; without
the package they fall back to silence. Log messages below warnings, and the warning named here, say nothing that the
records do not say better.
"""

import logging
import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import nncf as nncf  # noqa: E402
import openvino as openvino  # noqa: E402

KNOWN = "NNCF provides best results with torch"  # 2.19 is the last one that prunes; tests check it

nncf.nncf_logger.setLevel(logging.WARNING)
nncf.nncf_logger.addFilter(lambda record: not record.getMessage().startswith(KNOWN))
