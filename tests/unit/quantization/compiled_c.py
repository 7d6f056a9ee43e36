"""C sources compiled as strictly as there is, with every access checked, and run on images."""

import subprocess

import numpy as np
import torch
from torch import Tensor

MAIN = """
#include <stdint.h>
#include <stdio.h>
int {name}_predict(const uint8_t *image);
void {name}_logits(const uint8_t *image, float *logits);
int main(void) {{
    uint8_t image[{pixels}];
    float logits[{classes} + 1];
    while (fread(image, 1, {pixels}, stdin) == {pixels}) {{
        {name}_logits(image, logits);
        logits[{classes}] = (float){name}_predict(image);
        fwrite(logits, sizeof(float), {classes} + 1, stdout);
    }}
    return 0;
}}
"""
STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1"]
CHECKED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def run_c(source: str, name: str, images: Tensor, classes: int, folder) -> tuple[Tensor, Tensor]:
    """Logits float32 [N, K] and classes int64 [N] of images uint8 [N, C, H, W]; a warning or a wrong access fails."""
    (folder / "model.c").write_text(source)
    (folder / "main.c").write_text(MAIN.format(name=name, pixels=images[0].numel(), classes=classes))
    command = ["cc", *STRICT, *CHECKED, "model.c", "main.c", "-o", "main", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run([folder / "main"], input=images.numpy().tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    rows = np.frombuffer(done.stdout, np.float32).reshape(len(images), classes + 1)
    return torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, -1].astype(np.int64))
