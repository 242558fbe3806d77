"""Claims about several processes: they end together, and two trainings never share a folder."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch.distributed import TCPStore

from bokehbench.errors import InputError
from bokehbench.training import arithmetic, checkpoint, runs, together
from bokehbench.training.together import ending_together

WAITING = """
import time
from bokehbench.training.together import ending_together
with ending_together(1, 2):
    print("waits", flush=True)
    time.sleep(60)  # for the step of the other
"""


def test_an_error_in_one_process_ends_the_other_with_code_2(monkeypatch):
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(store.port))
    monkeypatch.setattr(together, "POLL", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "waits\n"
        began = time.monotonic()
        with pytest.raises(InputError, match="no such set"), ending_together(0, 2):
            raise InputError("no such set")
        _, said = other.communicate(timeout=30)
    assert other.returncode == 2
    assert said == "error: process 1 of 2 ended: no such set\n"
    assert time.monotonic() - began < 20.0


TRAINING = """
import sys
from pathlib import Path
import torch
from accelerate import Accelerator
sys.path.insert(0, sys.argv[1])
from test_loop import SETTINGS, Killed, Line, Points, load
from bokehbench.training.loop import Stage, Trainer

class Noisy(Line):
    def validate(self):
        torch.rand(1)  # in the first process alone
        return super().validate()

def train(folder, end=None):
    stage = Stage("line", Noisy(), Points(end), load("paper", SETTINGS).arnet, seed=3)
    try:
        Trainer(stage, folder / "line", folder / "tensorboard", accelerator).run()
    except Killed:
        pass

accelerator = Accelerator(cpu=True)
assert accelerator.num_processes == 2
train(Path("straight"))
train(Path("killed"), end=4)
train(Path("killed"))
"""


def test_two_processes_that_draw_random_numbers_end_with_the_same_bytes_after_a_kill(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    command = [sys.executable, "-c", TRAINING, str(Path(__file__).parent)]
    processes = [
        subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **where, "RANK": rank, "LOCAL_RANK": rank})
        for rank in ("0", "1")
    ]
    assert [process.wait() for process in processes] == [0, 0]
    straight, killed = (tmp_path / name / "line" / checkpoint.LAST for name in ("straight", "killed"))
    assert straight.read_bytes() == killed.read_bytes()


def test_one_process_asks_nobody():
    with pytest.raises(KeyError), ending_together(0, 1):
        raise KeyError


def test_two_trainings_never_share_a_folder(tmp_path):
    root = tmp_path / "run"
    with runs.alone(root):
        runs.enter(root, {"seed": 1})  # the claim is no file of others
        with pytest.raises(InputError, match=rf"another training goes on there \(process {os.getpid()}"):
            runs.alone(root).__enter__()
    with runs.alone(root):
        runs.enter(root, {"seed": 2})  # nothing is trained there yet
    assert [path.name for path in root.iterdir()] == [runs.FILE]


def test_what_a_dead_training_left_hinders_nobody(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    from bokehbench.records import machine, write_json

    write_json(tmp_path / runs.CLAIM, {"machine": machine(), "pid": dead.pid})
    with runs.alone(tmp_path):
        pass
    assert not (tmp_path / runs.CLAIM).exists()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ("flags\t\t: fpu avx512_bf16 amx_bf16\n", "amx_bf16"),
        ("Features\t: fp asimd bf16\n", "bf16"),
        ("flags\t\t: fpu avx2\n", ""),
    ],
)
def test_what_computes_bf16_is_known_from_the_system(tmp_path, monkeypatch, facts, expected):
    import torch

    monkeypatch.setattr(arithmetic, "CPU_FACTS", tmp_path / "cpuinfo")
    assert arithmetic.bf16_support(torch.device("cpu")) == "unknown"
    (tmp_path / "cpuinfo").write_text(facts)
    assert arithmetic.bf16_support(torch.device("cpu")) == expected
