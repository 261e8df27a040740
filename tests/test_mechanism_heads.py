"""Gain heads: three views of the same gains, in (0, 1), of bounded memory; dropout, groups, shared parameters apart."""

from typing import get_args

import numpy as np
import pytest
import torch

from gainakt.config.model import ModelConfig
from gainakt.data.sequences import Windows
from gainakt.errors import InputError
from gainakt.model.heads import make
from gainakt.training.evaluate import every_mastery
from gainakt.training.events import Stepped
from gainakt.training.loop import train
from gainakt.training.prior import groups
from gainakt.training.setup import build

CPU = torch.device("cpu")
HEADS = get_args(ModelConfig.model_fields["gain_head"].annotation)
WINDOWS, STEPS, SKILLS, WIDTH = 3, 7, 11, 8


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=40, lengths=(8, 20), seed=4)


@pytest.fixture(params=HEADS)
def head(request):
    torch.manual_seed(0)
    head = make(ModelConfig(width=WIDTH, heads=2, gain_head=request.param), SKILLS)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return head


def drawn(seed=1):
    numbers = torch.Generator().manual_seed(seed)
    v = torch.randn(WINDOWS, STEPS, WIDTH, generator=numbers)
    response = torch.randint(0, 2, (WINDOWS, STEPS), generator=numbers)
    skill = torch.randint(0, SKILLS, (WINDOWS, STEPS), generator=numbers)
    return v, response, skill


def test_pairs_own_and_every_are_the_same_gains(head):
    v, response, skill = drawn()
    every = head.every(v, response, torch.arange(SKILLS))
    assert every.shape == (WINDOWS, STEPS, SKILLS)
    torch.testing.assert_close(head.own(v, response, skill), every.gather(2, skill[..., None])[..., 0])
    asked = skill[:, 2:]
    pairs = head.pairs(v, response, asked)
    assert pairs.shape == (WINDOWS, STEPS - 2, STEPS)
    for b in range(WINDOWS):
        torch.testing.assert_close(pairs[b], every[b][:, asked[b]].T)
    few = torch.tensor([4, 0])
    torch.testing.assert_close(head.every(v, response, few), every[..., few])
    flat = head.every(v.flatten(0, 1), response.flatten(), few)
    torch.testing.assert_close(flat, every.flatten(0, 1)[:, few])


def test_gains_differ_by_skill_and_interaction_and_stay_inside(head):
    v, response, _ = drawn()
    gains = torch.sigmoid(head.every(v, response, torch.arange(SKILLS)))
    assert float(gains.min().detach()) > 0 and float(gains.max().detach()) < 1
    assert float(gains.std(-1).mean().detach()) > 1e-3 and float(gains.std(1).mean().detach()) > 1e-3


def test_kept_per_skill_is_one_row_per_skill_and_learned(head):
    kept = head.kept_per_skill()
    assert kept and all(len(values) == SKILLS for values in kept)
    known = {id(p) for p in head.parameters()}
    assert all(id(values) in known for values in kept)


@pytest.mark.parametrize("name", HEADS)
def test_gains_start_near_the_asked_value(name):
    torch.manual_seed(0)
    head = make(ModelConfig(width=64, gain_head=name, gain_start=0.05), SKILLS)
    v = torch.nn.functional.layer_norm(torch.randn(50, 64), (64,))
    gains = torch.sigmoid(head.every(v, torch.zeros(50), torch.arange(SKILLS)))
    assert 0.03 < float(gains.median().detach()) < 0.08


@pytest.mark.parametrize("name", HEADS)
def test_every_head_trains_and_its_gradients_arrive(tiny, data, name):
    config = tiny({"model.gain_head": name, "training.max_epochs": 2})
    steps = [event for event in train(config, data) if isinstance(event, Stepped)]
    assert all(np.isfinite(step.values["loss.im"]) for step in steps)
    model = build(config, 5, 40, CPU)
    batch = Windows(data, np.arange(40), 20, True, CPU).batch(np.arange(20))
    model(batch).logits2.square().mean().backward()
    for key, parameter in model.encoder2.gains.named_parameters():
        assert float(parameter.grad.abs().max()) > 0, key


def test_only_the_explicit_heads_keep_skills_apart():
    """A step on one skill's gain moves other skills' gains, but for the head that shares nothing."""
    moved = {}
    for name in HEADS:
        torch.manual_seed(0)
        head = make(ModelConfig(width=WIDTH, heads=2, gain_head=name), SKILLS)
        v, response, _ = drawn()
        before = head.every(v, response, torch.arange(SKILLS)).detach()
        head.every(v, response, torch.tensor([0])).sum().backward()
        with torch.no_grad():
            for parameter in head.parameters():
                parameter -= 0.1 * parameter.grad
        after = head.every(v, response, torch.arange(SKILLS)).detach()
        moved[name] = float((after - before)[..., 1:].abs().max())
    assert moved["per_skill"] == moved["linear"] == 0
    assert min(moved["mixture"], moved["hierarchical"], moved["additive"]) > 0


def test_dropout_in_the_head_acts_in_training_only_and_off_it_draws_nothing(tiny, data):
    batch = Windows(data, np.arange(40), 20, True, CPU).batch(np.arange(20))
    off, on = (build(tiny({"model.gain_head": "linear", "model.dropout": 0.0, "model.gain_dropout": p}), 5, 40, CPU)
               for p in (0.0, 0.5))  # fmt: skip
    state = torch.get_rng_state()
    plain = off(batch)
    assert torch.equal(torch.get_rng_state(), state), "no dropout, no random number"
    assert plain.read is plain.states
    dropped = on(batch)
    torch.testing.assert_close(dropped.states, plain.states)
    assert not torch.equal(dropped.gains, plain.gains) and not torch.equal(dropped.logits2, plain.logits2)
    torch.testing.assert_close(dropped.logits1, plain.logits1)
    on.eval(), off.eval()
    torch.testing.assert_close(on(batch).gains, off(batch).gains)


GROUPS = "skill,group\nskill 0,a\nskill 1,b\nskill 2,a\nskill 3,b\nskill 4,c\n"


@pytest.fixture
def grouped(tiny, tmp_path):
    def configured(text=GROUPS, experts=3):
        file = tmp_path / "groups.csv"
        file.write_text(text)
        changes = {"model.gain_head": "hierarchical", "model.groups_path": str(file), "model.experts": experts}
        return tiny({**changes, "training.max_epochs": 2})

    return configured


def test_given_groups_share_their_context_and_stay(grouped, data, tmp_path):
    from gainakt.training import checkpoints

    events = list(train(grouped(), data, folder=tmp_path))
    assert events[-1].kind == "finished"
    model = build(grouped(), 5, 28, CPU).eval()
    model.encoder2.load_state_dict(checkpoints.load(tmp_path, "encoder2"))
    head = model.encoder2.gains
    assert head.member.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    batch = Windows(data, np.arange(40), 20, False, CPU).batch(np.arange(10))
    with torch.no_grad():
        gains = every_mastery(model.encoder2, batch)[1]
        context = (torch.logit(gains.double()) - head.rate.double())[batch.valid]
    torch.testing.assert_close(context[:, 0], context[:, 2], atol=1e-4, rtol=0)
    assert float((context[:, 0] - context[:, 1]).abs().max()) > 1e-4


BAD = {
    "no group for 1 skill(s), such as 'skill 4'": (GROUPS.rsplit("skill 4", 1)[0], 3),
    "names 3 groups; set model.experts to that (now 2)": (GROUPS, 2),
    "needs a header with skill and group": ("a,b\n1,2\n", 3),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_file_of_groups_is_refused(grouped, data, reason):
    config = grouped(*BAD[reason])
    with pytest.raises(InputError) as error:
        groups(config, data.skills)
    assert reason in str(error.value) and "groups.csv" in str(error.value)


def test_thousands_of_skills_make_no_dense_tensor():
    """Pairs of 64 windows of 100 steps, 20,000 skills: a dense (B, T, S) float tensor alone would be 512 MB."""
    for name in ("additive", "linear", "mixture", "hierarchical"):
        head = make(ModelConfig(width=WIDTH, heads=2, gain_head=name), 20_000)
        largest = []

        def watch(_mode, func, _types, args, kwargs, largest=largest):
            out = func(*args, **(kwargs or {}))
            largest.append(out.numel() if isinstance(out, torch.Tensor) else 0)
            return out

        class Watch(torch.utils._python_dispatch.TorchDispatchMode):
            __torch_dispatch__ = watch

        skill = torch.randint(0, 20_000, (8, 50))
        with Watch():
            head.pairs(torch.randn(8, 50, WIDTH), torch.zeros(8, 50, dtype=torch.long), skill)
        assert max(largest) <= 20_000 * WIDTH, name
