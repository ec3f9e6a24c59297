"""Code that would start processes or a compiler runs without; the same in a student's folder and where it is graded."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from autograder.door.one_process import MOST_THREADS, stay_in_one_process


@pytest.fixture(autouse=True)
def one_process():
    stay_in_one_process()
    stay_in_one_process()  # a second submission in this process changes nothing


@pytest.mark.parametrize(
    "settings",
    [
        {"num_workers": 2},
        {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 4, "timeout": 5},
        {"persistent_workers": True, "prefetch_factor": 2, "multiprocessing_context": "spawn"},
    ],
)
def test_a_loader_has_no_workers(settings):
    loader = DataLoader(TensorDataset(torch.arange(10)), batch_size=4, drop_last=True, **settings)
    assert loader.num_workers == 0 and [len(x) for (x,) in loader] == [4, 4]


def test_arguments_by_position_keep_their_places():
    loader = DataLoader(TensorDataset(torch.arange(5)), 2, False, None, None, 3, None, False, True)
    assert (loader.batch_size, loader.num_workers, loader.drop_last, len(list(loader))) == (2, 0, True, 2)


def test_a_loader_without_a_minibatch_says_so_instead_of_nothing():
    loader = DataLoader(TensorDataset(torch.arange(5)), batch_size=8, drop_last=True)
    with pytest.raises(ValueError, match="batch_size=8, there are only 5 examples, and drop_last=True"):
        next(iter(loader))
    assert list(DataLoader(TensorDataset(torch.arange(0)), batch_size=8, drop_last=True)) == []


def test_nothing_is_compiled():
    model = torch.nn.Linear(2, 2)
    assert torch.compile(model) is model and torch.compile(model, mode="reduce-overhead") is model
    assert model.compile() is None

    @torch.compile(fullgraph=True)
    def twice(x):
        return 2 * x

    assert twice(3) == 6


def test_threads_are_few():
    threads = torch.get_num_threads()
    torch.set_num_threads(64)
    assert torch.get_num_threads() == MOST_THREADS
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(2)  # a second time would be an error of PyTorch's
    torch.set_num_interop_threads(2)
    assert torch.get_num_threads() == threads
