"""Claims about work on a Ray cluster, one that is started once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bokehbench import jobs
from bokehbench.errors import ConfigError, InputError
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library

JOBS = [(f"job{n}", n) for n in range(5)]


@pytest.fixture(scope="module", autouse=True)
def _one_cluster() -> Iterator[None]:
    """Starting Ray costs more than all that is asked of it here: the first call does it for all."""
    ray = pytest.importorskip("ray")
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError:
        pass
    except ImportError as error:
        pytest.skip(f"Ray imports pyarrow, which does not work here: {error}")
    init, shutdown = ray.init, ray.shutdown

    def once(*arguments: Any, **options: Any) -> None:
        if not ray.is_initialized():
            init(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray, "init", once)
        patch.setattr(ray, "shutdown", lambda: None)
        yield
    shutdown()


def refuse_three(x: int) -> int:
    if x == 3:
        raise InputError("three is not wanted")
    return x


def test_every_job_is_done_and_errors_are_kept() -> None:
    outcomes = list(jobs.run_jobs(refuse_three, JOBS, label="x", workers=2, ray="local"))
    assert {o.key: o.value for o in outcomes if o.error is None} == {f"job{n}": n for n in (0, 1, 2, 4)}
    (failed,) = (o for o in outcomes if o.error is not None)
    assert isinstance(failed.error, InputError) and str(failed.error) == "three is not wanted"


def test_an_address_where_nobody_listens_is_one_line() -> None:
    with pytest.raises(ConfigError, match="no Ray cluster"):
        list(jobs.run_jobs(refuse_three, JOBS, label="x", ray="127.0.0.1:1"))


def test_a_set_has_the_same_bytes(tmp_path: Path) -> None:
    recipe = load_recipe(bokehbench_v1(), size=(80, 64), assignments=("quality=draft",))

    def files(name: str, **where: Any) -> dict[str, bytes]:
        build(recipe, make_library(recipe), count=2, root_seed=3, root=tmp_path / name, **where)
        found = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        return {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in found}

    here, there = files("here"), files("there", workers=2, ray="local")
    assert len(here) > 8 and here == there
