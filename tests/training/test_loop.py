"""Claims about the loop, on a network of a few numbers: a run that is stopped anywhere ends the same."""

import json
from itertools import count

import pytest
import torch
from accelerate import Accelerator

from bokehbench.errors import InputError, JobFailed
from bokehbench.training import checkpoint, logs
from bokehbench.training.bokehme.settings import load
from bokehbench.training.loop import Stage, Task, Trainer
from bokehbench.training.meter import Meter

SETTINGS = (
    "arnet.steps=6",
    "arnet.log_every=2",
    "arnet.validate_every=2",
    "arnet.checkpoint_every=3",
    "arnet.lr=0.05",
)


class Line(Task):
    """Fits y = 3 x; a dropout takes random numbers, so that these have to be kept, too."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.line, self.scale = torch.nn.Linear(2, 1), scale
        with torch.no_grad():
            for weight in self.line.parameters():
                weight.fill_(0.5)

    @property
    def network(self):
        return self.line

    def forward(self, batch):
        seen = torch.nn.functional.dropout(batch["x"], 0.5, training=True)
        return {"loss": self.scale * (self.line(seen) - batch["y"]).square().mean()}

    def validate(self):
        return {"score": -(self.line(torch.ones(1, 2)) - 6.0).abs().item()}


class Killed(Exception):
    pass


class Points:
    """Batches by step; the process dies when batch `end` is asked for."""

    def __init__(self, end=None):
        self.step, self.end = 0, end

    def __iter__(self):
        torch.rand(3)  # a loader may take random numbers when it starts
        for step in count(self.step):
            if step == self.end:
                raise Killed
            self.step = step + 1
            x = torch.tensor([[step, 1.0], [2.0, step]]) / 6.0
            yield {"x": x, "y": 3.0 * x.sum(1, keepdim=True)}

    def state_dict(self):
        return {"step": self.step}

    def load_state_dict(self, state):
        self.step = state["step"]


def trainer(folder, *changes, task=None, end=None, needs=None, also=None):
    settings = load("paper", (*SETTINGS, *changes)).arnet
    stage = Stage("line", task or Line(), Points(end), settings, seed=3, needs=needs or {}, also=also)
    return Trainer(stage, folder / "line", folder / "tensorboard", Accelerator(cpu=True))


def weights(folder, file=checkpoint.LAST):
    return (folder / "line" / file).read_bytes()


@pytest.mark.parametrize("end", [1, 3, 4, 5])
@pytest.mark.parametrize("ema", ["null", "0.5"])
def test_a_killed_run_ends_with_the_same_bytes(tmp_path, end, ema):
    change = f"arnet.ema={ema}"
    trainer(tmp_path / "straight", change).run()
    with pytest.raises(Killed):
        trainer(tmp_path / "killed", change, end=end).run()
    trainer(tmp_path / "killed", change).run()
    for file in (checkpoint.LAST, checkpoint.BEST):
        assert weights(tmp_path / "straight", file) == weights(tmp_path / "killed", file)
    entries = [
        [(entry["step"], entry.get("line/loss")) for entry in logs.read(tmp_path / name / "line")]
        for name in ("straight", "killed")
    ]
    assert [step for step, _ in entries[0]] == [step for step, _ in entries[1]]


def test_a_run_killed_between_its_two_files_ends_with_the_same_bytes(tmp_path, monkeypatch):
    trainer(tmp_path / "straight").run()
    with monkeypatch.context() as patch:
        calls = iter([checkpoint.save_state, None])

        def save_state(*arguments):
            save = next(calls)
            if save is None:
                raise Killed
            save(*arguments)

        patch.setattr(checkpoint, "save_state", save_state)
        with pytest.raises(Killed):
            trainer(tmp_path / "killed").run()
    trainer(tmp_path / "killed").run()
    assert weights(tmp_path / "straight") == weights(tmp_path / "killed")


def test_a_run_out_of_time_goes_on_where_it_was(tmp_path):
    trainer(tmp_path / "straight").run()
    assert trainer(tmp_path / "late").run(deadline=0.0).step == 1
    assert trainer(tmp_path / "late").run().step == 6
    assert weights(tmp_path / "straight") == weights(tmp_path / "late")


def test_a_run_may_be_made_longer_while_its_past_stays(tmp_path):
    trainer(tmp_path / "long", "arnet.steps=8").run()
    trainer(tmp_path / "short").run()
    trainer(tmp_path / "short", "arnet.steps=8").run()
    assert weights(tmp_path / "long") == weights(tmp_path / "short")
    falling = "arnet.schedule={shape: cosine, warm_up: 0, decay: 0}"
    trainer(tmp_path / "falling", falling).run()
    with pytest.raises(InputError, match="learning rates"):
        trainer(tmp_path / "falling", falling, "arnet.steps=8")


def test_a_checkpoint_made_with_other_weights_is_refused(tmp_path):
    trainer(tmp_path, needs={"ARNet": "a"}).run()
    with pytest.raises(InputError, match="another ARNet"):
        trainer(tmp_path, needs={"ARNet": "b"})


def test_a_damaged_checkpoint_is_named(tmp_path):
    trainer(tmp_path).run()
    (tmp_path / "line" / checkpoint.STATE).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=r"last\.pt"):
        trainer(tmp_path)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    trainer(tmp_path, "arnet.steps=3").run()
    before = weights(tmp_path)
    with pytest.raises(JobFailed, match=r"not finite.*new --out with --set line\.lr=0\.025"):
        trainer(tmp_path, task=Line(scale=float("nan"))).run()
    assert weights(tmp_path) == before


def test_the_best_weights_are_those_of_the_best_validation(tmp_path):
    done = trainer(tmp_path, "arnet.lr=1.0", "arnet.steps=12").run()
    assert done.best_score == max(score for _, score in done.curve)
    assert done.best_step in [step for step, score in done.curve if score == done.best_score]
    about = checkpoint.about_weights(tmp_path / "line" / checkpoint.BEST)
    assert about == {"step": done.best_step, "score": done.best_score}
    line = Line()
    line.network.load_state_dict(checkpoint.load_weights(tmp_path / "line" / checkpoint.BEST))
    assert line.validate()["score"] == done.best_score


def test_the_average_lags_behind_the_weights(tmp_path):
    trainer(tmp_path / "plain").run()
    trainer(tmp_path / "ema", "arnet.ema=0.9").run()
    start = 0.5
    plain, ema = (
        checkpoint.load_weights(tmp_path / name / "line" / checkpoint.LAST)["bias"].item()
        for name in ("plain", "ema")
    )
    assert start < ema < plain


def test_what_is_dear_is_asked_for_with_the_number_of_the_validation(tmp_path):
    asked = []
    trainer(tmp_path, also=lambda task, number: asked.append(number) or {"dear": 1.0}).run()
    assert asked == [0, 1, 2]
    lines = (tmp_path / "line" / logs.FILE).read_text().splitlines()
    assert sum("line-validation/dear" in json.loads(line) for line in lines) == 3
    assert list((tmp_path / "tensorboard").iterdir())


class Two(Task):
    """Two weights whose gradients are 100 and 0.5 at any place; the second goes at a tenth of the rate."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(1)) for _ in range(2)])
        self.told = []

    @property
    def network(self):
        return self.body

    def optimiser(self, lr):
        groups = [{"params": [self.body[0]]}, {"params": [self.body[1]], "share": 0.1}]
        return torch.optim.SGD(groups, lr=lr)

    def forward(self, batch):
        self.told.append(self.step)
        return {"loss": (100.0 * self.body[0] + 0.5 * self.body[1]).sum()}

    def aside(self):
        return {"told": self.told}

    def load_aside(self, state):
        self.told = list(state["told"])

    def validate(self):
        return {"score": 0.0}


def test_groups_have_rates_of_their_own_and_are_clipped_each_alone(tmp_path):
    task = Two()
    settings = ("arnet.clip_norm=1.0", "arnet.steps=4", "arnet.checkpoint_every=2")
    trainer(tmp_path, *settings, task=task).run()
    # Norm 100 becomes 1; norm 0.5 stays what it is, and does not grow from step to step.
    assert task.body[0].item() == pytest.approx(-4 * 0.05 * 1.0, rel=1e-4)
    assert task.body[1].item() == pytest.approx(-4 * 0.05 * 0.1 * 0.5, rel=1e-4)


def test_a_task_is_told_its_step_and_keeps_what_lies_aside(tmp_path):
    settings = ("arnet.steps=6", "arnet.checkpoint_every=2")
    with pytest.raises(Killed):
        trainer(tmp_path, *settings, task=Two(), end=5).run()
    again = Two()
    done = trainer(tmp_path, *settings, task=again).run()
    assert again.told == list(range(6))
    assert done.peak_bytes > 2**20


def test_a_loss_that_begins_late_is_a_mean_over_the_steps_that_had_it():
    meter = Meter()
    one = torch.tensor(1.0)
    meter.add({"loss": one}, 1.0, 0.0)
    meter.add({"loss": 3.0 * one, "adversarial": 5.0 * one}, 1.0, 0.0)
    assert meter.means() == {"loss": torch.tensor(2.0), "adversarial": torch.tensor(5.0)}
