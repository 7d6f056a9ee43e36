"""INT8 post-training quantization: export, calibration, and what the exported files measure."""
