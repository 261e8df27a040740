"""Dropout drops its share, keeps the mean, and repeats with the seed."""

import pytest
import torch

from gainakt.model.dropout import Dropout


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_zeros_come_at_their_share_and_the_mean_stays(share):
    torch.manual_seed(0)
    y = Dropout(share)(torch.ones(1001, 333))
    spread = (share * (1 - share) / y.numel()) ** 0.5
    assert (y == 0).float().mean() == pytest.approx(share, abs=4 * spread + 2**-17)
    assert y.double().mean() == pytest.approx(1, abs=5 * spread / (1 - share))
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - share)], rel=1e-4)


def test_neighbours_drop_independently():
    torch.manual_seed(0)
    dropped = Dropout(0.5)(torch.ones(400, 1000)) == 0
    for apart in range(1, 9):  # four values share one draw
        both = (dropped[:, apart:] & dropped[:, :-apart]).float().mean()
        assert both == pytest.approx(0.25, abs=0.005)


def test_what_is_dropped_gets_no_gradient():
    torch.manual_seed(1)
    x = torch.randn(7, 5, requires_grad=True)
    y = Dropout(0.4)(x)
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0)
    assert (y == 0).any()


def test_the_seed_repeats_it_and_evaluation_has_none():
    drop, x = Dropout(0.3), torch.randn(40, 3)
    torch.manual_seed(5)
    first = drop(x)
    torch.manual_seed(5)
    assert torch.equal(drop(x), first)
    assert torch.equal(drop.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
