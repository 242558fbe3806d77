# ruff: noqa: E501
"""Folders with the files, names and signatures of the authors' repositories that adapters call.

Each does a known thing to the picture (it inverts it, or enlarges it) and writes down what it was called with.
Stand-ins for torch and diffusers have just what the adapters themselves ask of them.
"""

from __future__ import annotations

from pathlib import Path

NOTE = """
import json, os
def note(**said):
    with open(os.environ["FAKE_NOTES"], "a") as file:
        file.write(json.dumps(said) + "\\n")
"""
TORCH = """
import contextlib
class cuda:
    is_available = staticmethod(lambda: False)
no_grad = contextlib.nullcontext
float32 = bfloat16 = "float32"
seeds = []
def manual_seed(seed):
    seeds.append(seed)
def load(path, map_location=None, weights_only=False):
    return {"model": open(path).read()}
from_numpy = lambda array: array
class Generator:
    def __init__(self, device):
        pass
    def manual_seed(self, seed):
        self.seed = seed
        return self
import numpy
class Tensor(numpy.ndarray):
    detach = cpu = to = lambda self, *device: self
def tensor(array):
    return numpy.asarray(array).view(Tensor)
"""
DEMO = """
import argparse, os
import cv2
import numpy as np
from note import note
parser = argparse.ArgumentParser()
for name in ("image_path", "disp_path", "save_dir", "gpus", *"WEIGHTS".split()):
    parser.add_argument("--" + name)
for name in ("K", "disp_focus", "gamma"):
    parser.add_argument("--" + name, type=float)
args = parser.parse_args()
image = cv2.cvtColor(cv2.imread(args.image_path).astype(np.float32) / 255.0, cv2.COLOR_BGR2RGB)
disp = np.float32(cv2.imread(args.disp_path, cv2.IMREAD_GRAYSCALE)) / 255
STRETCH
LOAD
defocus = args.K * (disp - args.disp_focus)
note(K=args.K, focus=args.disp_focus, gamma=args.gamma, low=float(defocus.min()), high=float(defocus.max()),
     red=float(image[0, 0, 0]), brightest=float(image.max()))
cv2.imwrite(os.path.join(args.save_dir, "image.jpg"), image)
cv2.imwrite(os.path.join(args.save_dir, "bokeh_pred.jpg"), (1 - image)[..., ::-1] * 255)
"""
BOKEHME = {
    "demo.py": DEMO.replace("WEIGHTS", "arnet_checkpoint_path iunet_checkpoint_path")
    .replace("STRETCH", "disp = (disp - disp.min()) / (disp.max() - disp.min())")
    .replace("LOAD", "assert open(args.arnet_checkpoint_path).read() == 'checkpoints/arnet.pth'"),
}
MPIB = {
    "demo.py": DEMO.replace("WEIGHTS", "mpinet_checkpoint_path aupnet_checkpoint_path inpnet_checkpoint_path")
    .replace("STRETCH", "")
    .replace(
        "LOAD", "import torch\nassert torch.load('/of/the/author.pth')['model'] == 'checkpoints/inpnet.pth'"
    ),
    "torch.py": TORCH,
}
DR_BOKEH = {
    "app/Render/Inference.py": """
import numpy as np
from note import note
def salient_segmentation(rgb):
    assert rgb.max() <= 1.0
    return (rgb[..., 0] > 0.5).astype(np.float32)
class DrBokeh:
    def __init__(self, lens, highlight=False):
        self.lens = lens
    def inference(self, rgb, disp, alpha, params):
        assert disp.shape == alpha.shape == (*rgb.shape[:2], 1)
        assert {"focal", "lens_effect", "Salient", "gamma", "offset", "threshold", "fg_erode"} <= set(params)
        note(K=params["lens_effect"], focus=params["focal"], gamma=params["gamma"], lens=self.lens,
             low=float(disp.min()), high=float(disp.max()))
        return {"bokeh": 1 - rgb}
"""
}
BOKEHDIFF = {
    "inference_hf.py": """
import argparse, os
import numpy as np
from PIL import Image
from note import note
class TestDataset:
    def __init__(self, reg_exp, tokenizer_1, tokenizer_2, organization, split, upsample):
        raise FileNotFoundError(reg_exp)
def log_validation(pipeline, seed, train_T, accelerator, validation_prompt="", aif_image=None, disp_coc=None,
                   timeit=False):
    coc, width = disp_coc[0, 1], aif_image.shape[-1]
    note(seed=seed, low=float(coc.min()), high=float(coc.max()), near=float(disp_coc[0, 0].max()),
         size=list(aif_image.shape[-2:]))
    return Image.fromarray(np.uint8(255 * (0.5 - aif_image[0] / 2).clip(0, 1).transpose(1, 2, 0) + 0.5)), 1.0
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--test_data_dir", required=True)
    for name in ("pretrained_model_name_or_path", "output_dir", "data_id", "resume_from_checkpoint",
                 "mixed_precision"):
        parser.add_argument("--" + name)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--K", type=float, default=20)
    parser.add_argument("--upsample", type=float, default=1)
    args = parser.parse_args()
    assert os.path.isfile(os.path.join(args.resume_from_checkpoint, "vae.ckpt"))
    assert os.path.isdir(os.path.join(args.pretrained_model_name_or_path, "unet"))
    out = os.path.join(args.output_dir, args.data_id)
    os.makedirs(out)
    data = TestDataset(args.test_data_dir, tokenizer_1=1, tokenizer_2=2, organization="EBB", split="inference",
                       upsample=args.upsample)
    for item in (data[number] for number in range(len(data))):
        batch = {name: value[None] if hasattr(value, "shape") else [value] for name, value in item.items()}
        strength = batch["defocus_strength"]
        for shift in [-0.6 * strength.min(), 0, -0.6 * strength.max()]:
            coc = abs(strength + shift) * args.K * args.upsample / 10
            image, seconds = log_validation(None, args.seed, 499, None, validation_prompt=batch["texts"],
                aif_image=batch["pixel_values"], disp_coc=np.concatenate([batch["disparity"], coc], 1), timeit=True)
            image.save(f"{out}/{batch['filename'][0]}_{args.K:.1f}_{shift:.2f}.jpg")
"""
}
MAGICBOKEH = {
    "torch.py": TORCH,
    "inference.py": """
import argparse, glob, os, random
import numpy as np
import torch
from PIL import Image
from note import note
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("input_dir", "depth_dir", "mask_dir", "output_dir", "pretrained_model_name_or_path", "model_path"):
        parser.add_argument("--" + name)
    parser.add_argument("--K", type=int, default=32)
    args = parser.parse_args()
    assert os.path.isdir(os.path.join(args.pretrained_model_name_or_path, "unet"))
    for path in sorted(glob.glob(f"{args.input_dir}/*.png")):
        image = Image.open(path).convert("RGB")
        name = os.path.splitext(os.path.basename(path))[0]
        depth = (np.load(os.path.join(args.depth_dir, name + ".npy")) * 255).astype(np.uint8)
        mask = np.array(Image.open(os.path.join(args.mask_dir, name + ".png")).convert("L"))
        focus = np.median(depth[mask > 0.5]) if (mask > 0.5).any() else 0
        c = abs(depth / 255.0 - focus / 255.0) * (args.K / 32)
        note(low=float(c.min()), high=float(c.max()), corner=float(c[0, -1]), size=list(c.shape), seed=torch.seeds[-1])
        Image.fromarray(255 - np.asarray(image)).save(os.path.join(args.output_dir, name + ".png"))
""",
}
ANY_TO_BOKEH = {
    "test/inference_demo.py": """
import argparse, csv, os, sys
import imageio
import numpy as np
from PIL import Image
from note import note
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("val_csv_path", "unet_path", "vae_path"):
        parser.add_argument("--" + name)
    args = parser.parse_args()
    assert os.path.isdir(os.path.join(args.unet_path, "unet")) and os.path.isdir(args.vae_path)
    os.makedirs("output")
    order = lambda name: int(name.split("_")[0].split(".")[0])
    for number, row in enumerate(csv.DictReader(open(args.val_csv_path))):
        frames = sorted(os.listdir(row["aif_folder"]), key=order)
        maps = sorted(os.listdir(row["disp_folder"]), key=order)
        assert len(frames) == len(maps) > 8
        image = Image.open(os.path.join(row["aif_folder"], frames[0])).convert("RGB")
        disparity = np.array(Image.open(os.path.join(row["disp_folder"], maps[0])).convert("L")) / 255.0
        assert disparity.shape == image.size[::-1]
        note(k=float(row["k"]), focus=float(maps[-1].split("zf_")[1].replace(".png", "")), frames=len(frames),
             low=float(disparity.min()), high=float(disparity.max()), size=list(image.size))
        writer = imageio.get_writer(os.path.join("output", f"{number}.mp4"), fps=20, codec="libx264", quality=8)
        for frame in frames:
            writer.append_data(255 - np.asarray(image.resize((1024, 576), Image.LANCZOS)))
        writer.close()
"""
}
GENFOCUS = {
    "torch.py": TORCH,
    "diffusers.py": """
import os
class FluxPipeline:
    device = "cpu"
    @classmethod
    def from_pretrained(cls, folder, torch_dtype=None):
        assert os.path.isfile(os.path.join(folder, "model_index.json"))
        return cls()
    def to(self, device):
        return self
    def load_lora_weights(self, folder, weight_name, adapter_name):
        assert (adapter_name, os.path.isfile(os.path.join(folder, weight_name))) == ("bokeh", True)
    def set_adapters(self, names):
        self.adapters = names
""",
    "Genfocus/pipeline/flux.py": """
import numpy as np
from PIL import Image
from note import note
def seed_everything(seed=42):
    pass
class Condition:
    def __init__(self, condition, adapter_setting, position_delta=None, position_scale=1.0, latent_mask=None,
                 is_complement=False, No_preprocess=False):
        self.condition, self.raw = condition, No_preprocess
def generate(pipeline, prompt, conditions, height, width, guidance_scale=3.5, kv_cache=False, generator=None):
    picture, radii = conditions
    assert pipeline.adapters == ["bokeh"] and radii.raw and not picture.raw
    assert picture.condition.size == (width, height) and radii.condition.shape == (1, 3, height, width)
    note(seed=generator.seed, low=float(radii.condition.min()), high=float(radii.condition.max()),
         size=[height, width])
    class Answer:
        images = [Image.fromarray(255 - np.asarray(picture.condition))]
    return Answer
""",
}
BOKEHLICIOUS = {
    "torch.py": TORCH,
    "method/__init__.py": "",
    "dataset/__init__.py": "",
    "method/config.py": "def bokehlicious_size_builder(size):\n    return {'small': {'u_width': 16}}[size]\n",
    "method/model.py": """
import torch
from note import note
class Bokehlicious:
    def __init__(self, u_width):
        pass
    def load_state_dict(self, state):
        note(weights=state["model"])
    to = lambda self, device: self
    eval = lambda self: self
    def __call__(self, source, target, bokeh_strength, pos_map, bokeh_strength_map, image_name):
        note(strength=bokeh_strength, size=list(source.shape[-2:]))
        return torch.tensor(1 - source)
""",
    "dataset/util.py": """
import numpy as np
from PIL import Image
def load_image(img_path, target_av=2.0, max_dim=2000, interpolation=2, min_divisor=4, device="cuda"):
    image = np.asarray(Image.open(img_path), np.float32).transpose(2, 0, 1)[None] / 255
    assert image.shape[-1] % min_divisor == image.shape[-2] % min_divisor == 0 and max(image.shape) <= max_dim
    return {"source": image, "target": 0, "bokeh_strength": 2.0 / target_av, "pos_map": 0, "bokeh_strength_map": 0,
            "image_name": img_path}
""",
}
EBOKEHNET = {
    "torch.py": TORCH,
    "code/__init__.py": "",
    "code/model/__init__.py": "",
    "code/model/archs/EBokehNet_arch.py": "",
    "code/utils/__init__.py": "",
    "code/model/ln_modules.py": """
import torch
from note import note
class DeBokehLn:
    @classmethod
    def load_from_checkpoint(cls, path):
        assert open(path).read()
        return cls()
    to = lambda self, device: self
    eval = lambda self: self
    def model(self, source, bokeh_strength, lens_factor, pos_map):
        note(strength=float(bokeh_strength[0]), lens=float(lens_factor[0, 0, 0, 0]), size=list(source.shape[-2:]))
        return torch.tensor(1 - source)
""",
    "code/utils/eval_utils.py": """
import glob, os
import numpy as np
import torch
from PIL import Image
def get_dataloader(image_in_dir, model, metadata_override=None, input_crop=None, gt_avail=False):
    for path in sorted(glob.glob(os.path.join(image_in_dir, "*.src.jpg"))):
        image = np.asarray(Image.open(path), np.float32).transpose(2, 0, 1) / 255
        rows, columns = input_crop[0] - image.shape[1], input_crop[1] - image.shape[2]
        around = [(0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)]
        yield {"source": torch.tensor(np.pad(image, around, mode="reflect")[None]),
               "bokeh_strength": torch.tensor([metadata_override["bokeh_strength"]]),
               "lens_factor": torch.tensor([metadata_override["lens_factor"]]), "pos_map": torch.tensor([0.0])}
""",
}
ENLARGE = """
def enlarge(path, out):
    image = np.asarray(Image.open(path).convert("RGB"))
    note(size=list(image.shape[:2]), seed=torch.seeds[-1] if torch.seeds else None)
    Image.fromarray(255 - image.repeat(4, 0).repeat(4, 1)).save(os.path.join(out, os.path.basename(path)))
"""
OSEDIFF = {
    "torch.py": TORCH,
    "test_osediff.py": f"""
import argparse, glob, os
import numpy as np
import torch
from PIL import Image
from note import note
{ENLARGE}
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--input_image", "-i")
    parser.add_argument("--output_dir", "-o")
    for name in ("pretrained_model_name_or_path", "osediff_path", "ram_path", "ram_ft_path"):
        parser.add_argument("--" + name)
    args = parser.parse_args()
    assert os.path.isdir(os.path.join(args.pretrained_model_name_or_path, "unet"))
    assert all(os.path.isfile(path) for path in (args.osediff_path, args.ram_path, args.ram_ft_path))
    os.makedirs(os.path.join(args.output_dir, "txt"), exist_ok=True)
    for path in sorted(glob.glob(f"{{args.input_image}}/*.png")):
        enlarge(path, args.output_dir)
""",
}
S3DIFF = {
    "torch.py": TORCH,
    "src/s3diff_tile.py": "",
    "src/inference_s3diff.py": f"""
import argparse, json, os
from pathlib import Path
import numpy as np
import torch
from PIL import Image
from note import note
import s3diff_tile
{ENLARGE}
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("base_config", "output_dir", "sd_path", "de_net_path", "pretrained_path", "align_method"):
        parser.add_argument("--" + name)
    args = parser.parse_args()
    config = json.load(open(args.base_config))
    assert config["sf"] == 4 and config["validation"]["io_backend"] == {{"type": "disk"}}
    assert os.path.isdir(os.path.join(args.sd_path, "unet")) and os.path.isfile(args.de_net_path)
    for path in sorted(map(str, Path(config["validation"]["lr_path"]).glob("*.png"))):
        enlarge(path, args.output_dir)
""",
}
SINSR = {
    "torch.py": TORCH,
    "inference.py": f"""
import argparse, os
from pathlib import Path
import numpy as np
import torch
from PIL import Image
from note import note
{ENLARGE.replace("Image.open(path)", "Image.open(os.path.realpath(path))")}
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-i", "--in_path")
    parser.add_argument("-o", "--out_path")
    parser.add_argument("--scale", type=int)
    parser.add_argument("--one_step", action="store_true")
    parser.add_argument("--ckpt")
    parser.add_argument("--task", choices=["SinSR", "realsrx4"])
    args = parser.parse_args()
    assert (args.scale, args.one_step) == (4, True) and os.path.isfile(args.ckpt)
    assert os.path.isfile("./weights/autoencoder_vq_f4.pth")
    for path in Path(args.in_path).glob("*.[jpJP][pnPN]*[gG]"):
        enlarge(path, args.out_path)
""",
}
FAKES = {
    "bokehme-repo": BOKEHME,
    "mpib-repo": MPIB,
    "dr-bokeh-repo": DR_BOKEH,
    "bokehdiff-repo": BOKEHDIFF,
    "magicbokeh-repo": MAGICBOKEH,
    "any-to-bokeh": ANY_TO_BOKEH,
    "genfocus": GENFOCUS,
    "bokehlicious-ebb400": BOKEHLICIOUS,
    "bokehlicious-val294": BOKEHLICIOUS,
    "ebokehnet": EBOKEHNET,
    "osediff": OSEDIFF,
    "s3diff": S3DIFF,
    "sinsr": SINSR,
}


def write(folder: Path, name: str, code: tuple[str, ...], weights: tuple[str, ...], commit: str) -> Path:
    """A clone of that name: its fake, the other files that the recipe names, weights that hold their own name."""
    clone = folder / name
    every = dict.fromkeys(code, "") | {file: file for file in weights} | FAKES[name] | {"note.py": NOTE}
    for file, text in every.items():
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        (clone / file).write_text(text)
    if commit:  # git reads the name of a commit from here, whether it has the commit or not
        for part in ("objects", "refs"):
            (clone / ".git" / part).mkdir(parents=True)
        (clone / ".git" / "HEAD").write_text(commit + "\n")
    return clone
