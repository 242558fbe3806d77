"""Orders: every epoch complete, every share exact, all of it a function of the position."""

from collections import Counter
from types import SimpleNamespace

import pytest

from bokehbench.errors import ConfigError
from bokehbench.synth.training import stream
from bokehbench.synth.training.order import BLOCK, EpochSampler, mixed, visit
from bokehbench.synth.training.stream import Batches, Mix


class Numbers:
    """A source whose items say where they come from."""

    def __init__(self, name, length=7, seed=0):
        self.name, self.length, self.seed = name, length, seed

    def item(self, position):
        epoch, index = visit(position, self.length, self.seed)
        return self.name, epoch * self.length + index

    def identity(self):
        return {"name": self.name, "length": self.length, "seed": self.seed}


def take(batches, count):
    return [batch for _, batch in zip(range(count), batches, strict=False)]


def test_an_epoch_is_a_permutation_and_epochs_differ():
    order = [visit(position, 50, 3) for position in range(150)]
    for epoch in range(3):
        part = order[50 * epoch : 50 * (epoch + 1)]
        assert sorted(part) == [(epoch, index) for index in range(50)]
    orders = [tuple(index for _, index in order[50 * e : 50 * (e + 1)]) for e in range(3)]
    assert len(set(orders)) == 3
    assert orders[0] != tuple(visit(position, 50, 4)[1] for position in range(50))


def test_mixture_holds_its_shares_and_uses_every_source_without_gaps():
    weights = (0.7, 0.2, 0.1)
    places = [mixed(position, weights, 5) for position in range(3 * BLOCK)]
    counts = Counter(source for source, _ in places)
    assert [counts[k] for k in range(3)] == [round(3 * BLOCK * w) for w in weights]
    for source in range(3):
        assert [place for which, place in places if which == source] == list(range(counts[source]))
    early = Counter(source for source, _ in places[:200])
    assert 110 < early[0] < 170  # random, not in blocks of one source


def test_ranks_share_out_each_step_of_one_run():
    whole = take(Batches(Numbers("a", 23), batch_size=6), 20)
    for world in (2, 3):
        ranks = [
            take(Batches(Numbers("a", 23), batch_size=6 // world, rank=r, world=world), 20)
            for r in range(world)
        ]
        for step, batch in enumerate(whole):
            parts = [item for rank in ranks for item in rank[step]]
            assert sorted(parts) == sorted(batch) and len(set(parts)) == 6


def test_an_epoch_of_batches_has_no_duplicates_and_misses_nothing():
    flat = [number for batch in take(Batches(Numbers("a", 24), batch_size=4), 12) for _, number in batch]
    assert sorted(flat) == list(range(48)) and sorted(flat[:24]) == list(range(24))


def test_state_goes_on_and_refuses_other_streams():
    batches = Batches(Numbers("a"), batch_size=3)
    first = take(batches, 9)
    state = batches.state_dict()
    again = Batches(Numbers("a"), batch_size=3)
    again.load_state_dict({**state, "step": 4})
    assert take(again, 5) == first[4:]
    for other in (Batches(Numbers("b"), batch_size=3), Batches(Numbers("a"), batch_size=2)):
        with pytest.raises(ConfigError, match="belongs to another stream"):
            other.load_state_dict(state)


def test_workers_take_batches_in_turn_and_go_on_from_their_own_state(monkeypatch):
    whole = take(Batches(Numbers("a"), batch_size=2), 12)

    def worker(number, state=None, batches=None):
        monkeypatch.setattr(stream, "get_worker_info", lambda: SimpleNamespace(id=number, num_workers=3))
        batches = batches or Batches(Numbers("a"), batch_size=2)
        if state is not None:
            batches.load_state_dict(state)
        return take(batches, 2), batches.state_dict()

    for number in range(3):
        first, state = worker(number)
        again, _ = worker(number, state)  # as a loader does that keeps the state of every worker
        assert first + again == whole[number::3]
    monkeypatch.setattr(stream, "get_worker_info", lambda: None)
    resumed = Batches(Numbers("a"), batch_size=2)
    resumed.load_state_dict({**resumed.state_dict(), "step": 5})  # by the main process, for all workers
    assert worker(1, batches=resumed)[0] == [whole[6], whole[9]]


def test_mix_is_a_source():
    mix = Mix([(Numbers("a", 10), 3), (Numbers("b", 10), 1)], seed=2)
    names = Counter(mix.item(position)[0] for position in range(BLOCK))
    assert names == {"a": 3 * BLOCK // 4, "b": BLOCK // 4}
    assert mix.identity() != Mix([(Numbers("a", 10), 2), (Numbers("b", 10), 1)], seed=2).identity()
    for wrong in (
        [],
        [(Numbers("a"), 0.0)],
        [(Numbers("a"), 1.0), (Numbers("b"), 1e-5)],
        [(Numbers("a"), -1.0)],
    ):
        with pytest.raises(ConfigError):
            Mix(wrong)


def test_epoch_sampler_shares_out_epochs():
    samplers = [EpochSampler(10, seed=1, rank=rank, world=3) for rank in range(3)]
    epochs = [[list(sampler) for sampler in samplers] for _ in range(2)]
    for number, parts in enumerate(epochs):
        flat = [index for part in parts for index in part]
        assert len(set(flat)) == 9 and all(index // 10 == number for index in flat)
        assert all(len(part) == len(samplers[0]) == 3 for part in parts)
    samplers[0].set_epoch(0)
    assert list(samplers[0]) == epochs[0][0]


def test_wrong_numbers_are_refused():
    with pytest.raises(ConfigError, match="batch_size must be at least 1"):
        Batches(Numbers("a"), batch_size=0)
    with pytest.raises(ConfigError, match="rank below world"):
        Batches(Numbers("a"), batch_size=1, rank=2, world=2)
    with pytest.raises(ConfigError, match="rank 3 of 3"):
        EpochSampler(5, rank=3, world=3)
