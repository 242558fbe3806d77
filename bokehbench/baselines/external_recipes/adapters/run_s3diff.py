"""S3Diff's src/inference_s3diff.py, whose folder of pictures stands in a configuration file of its own."""

from __future__ import annotations

import json
import os
import sys

from bench_adapter import Bench, low_quality, run_script, seeded_at_reading


def main() -> None:
    """All cases in one run."""
    bench = Bench(sys.argv)
    bench.enter("src")
    folder, seeds = low_quality(bench)
    configuration = os.path.join(bench.folder("left"), "cases.yaml")
    with open(configuration, "w") as file:  # JSON is YAML
        json.dump({"sf": 4, "validation": {"lr_path": folder, "io_backend": {"type": "disk"}}}, file)
    base = os.path.dirname(
        os.path.dirname(bench.weights["models/sd-turbo/unet/diffusion_pytorch_model.safetensors"])
    )
    arguments = ["--base_config=" + configuration, "--output_dir=" + bench.out, "--sd_path=" + base]
    arguments += ["--de_net_path=" + bench.weights["assets/mm-realsr/de_net.pth"]]
    arguments += ["--pretrained_path=" + bench.weights["checkpoints/s3diff.pkl"], "--align_method=wavelet"]
    with seeded_at_reading(seeds):
        run_script("src/inference_s3diff.py", arguments)


if __name__ == "__main__":
    main()
