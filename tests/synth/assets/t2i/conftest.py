"""A tiny random SDXL, a LoRA for it and a tiny transparent decoder, in the layouts of the public ones."""

import json

import pytest

WIDTHS = (8, 8, 8, 8, 16, 16, 16)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Networks this small only wait for each other's threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _tokenizer(folder):
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def _text_encoder(projected):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=16,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Folder with sdxl/, lora.safetensors, offsets.safetensors and decoder.safetensors."""
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from safetensors.torch import save_file

    from bokehbench.synth.assets.t2i.decoder import TransparentDecoder

    root = tmp_path_factory.mktemp("weights")
    state = torch.random.get_rng_state()
    torch.manual_seed(5)
    unet = UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=16 + 6 * 8,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        scaling_factor=0.13025,
        force_upcast=True,
    )
    tokenizers = [_tokenizer(root / "vocab" / name) for name in ("one", "two")]
    pipe = StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=_text_encoder(False),
        text_encoder_2=_text_encoder(True),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=unet,
        scheduler=EulerDiscreteScheduler(),
        add_watermarker=False,
    )
    pipe.save_pretrained(root / "sdxl", safe_serialization=True)
    (root / "sdxl" / "README.md").write_text("---\nlicense: made-up-for-the-test\n---\nTiny.\n")
    offsets = {k: 0.05 * torch.randn_like(v) for k, v in unet.state_dict().items() if ".attn1." in k}
    save_file(offsets, root / "offsets.safetensors")
    _save_lora(unet, root / "lora.safetensors")
    decoder = TransparentDecoder(WIDTHS)
    save_file(decoder.state_dict(), root / "decoder.safetensors")
    torch.random.set_rng_state(state)
    return root


def _save_lora(unet, path):
    """As the trainers save it: keys of peft, with the prefix of the UNet."""
    import torch
    from peft import LoraConfig, get_peft_model_state_dict
    from safetensors.torch import save_file

    unet.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    with torch.no_grad():
        for name, value in unet.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.2)
    save_file({f"unet.{k}": v.contiguous() for k, v in get_peft_model_state_dict(unet).items()}, path)
    unet.delete_adapters("default")
