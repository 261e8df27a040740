"""Each loss term in a model: it pulls where it should, and off it is as if it were not there."""

import math

import numpy as np
import pytest
import torch

from gainakt import losses
from gainakt.config import WeightsConfig
from gainakt.data.sequences import Windows
from gainakt.losses.adversary import Judge
from gainakt.training.events import Changed, Stepped
from gainakt.training.loop import train
from gainakt.training.setup import build

CPU = torch.device("cpu")
SKILLS = 5
TERMS = [name for name in WeightsConfig.model_fields if name != "encoder_priority"]


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=40, lengths=(8, 20), seed=3)


@pytest.fixture(scope="module")
def seeing(tiny, data):
    """A function that shows a fresh model a batch: `seeing({"losses.margin": 0.3}, gains=function of the model)`."""

    def see(changes=None, memory=None, name="without-level"):
        config = tiny({"model.gain_start": 0.4, "model.dropout": 0.0, **(changes or {})}, name)
        model = build(config, SKILLS, 40, CPU)
        model.encoder2.fit = torch.linspace(0.2, 0.9, 5 * SKILLS).view(SKILLS, 5)
        batch = Windows(data, np.arange(40), 20, True, CPU).batch(np.arange(30))
        generator = torch.Generator().manual_seed(0)
        return losses.LossInputs(
            batch, model(batch), model.encoder2, config, generator, {} if memory is None else memory
        )

    return see


def value(name, seen):
    return losses.compute(seen, {name: 1.0})[name]


def number(name, seen):
    return float(value(name, seen).detach())


def own(seen):
    return seen.own.detach().numpy(), seen.skill.numpy(), seen.response.numpy()


def descend(seen, name, rate):
    """The model after a few steps of plain descent on one term alone."""
    model = seen.encoder2
    batch, config = seen.batch, seen.config
    for _ in range(20):
        states = model(batch)
        fresh = losses.LossInputs(
            batch, seen.output._replace(gains=states[2], read=states[4], states=states[3], logits2=states[0]),
            model, config, torch.Generator().manual_seed(1), seen.memory,
        )  # fmt: skip
        loss = value(name, fresh)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter -= rate * parameter.grad
    return fresh


HEADS = {"balance": "mixture"}
CASES = {"beta_spread": {"model.beta_start_std": 0.1}, "triplet": {"model.gain_head": "linear"}}


@pytest.mark.parametrize("name", TERMS)
def test_a_term_pulls_at_encoder_2_and_at_nothing_of_encoder_1(seeing, name):
    seen = seeing({"model.gain_head": HEADS.get(name, "linear"), **CASES.get(name, {})})
    found = value(name, seen)
    assert torch.isfinite(found)
    pulls = torch.autograd.grad(found, [p for p in seen.encoder2.parameters() if p.requires_grad], allow_unused=True)
    assert max(float(pull.abs().max()) for pull in pulls if pull is not None) > 1e-8
    first = torch.autograd.grad(value(name, seen), seen.output.logits1, allow_unused=True)
    assert first == (None,)


@pytest.mark.parametrize("name", [name for name in TERMS if name != "adversary"])  # its discriminator moves too
def test_descent_on_a_term_lowers_it(seeing, name):
    seen = seeing({"model.gain_head": HEADS.get(name, "linear"), **CASES.get(name, {})})
    before = number(name, seen)
    assert number(name, descend(seen, name, 0.05)) < before


def test_the_triplet_is_that_of_plain_loops(seeing):
    seen = seeing({"model.gain_head": "linear", "losses.margin": 0.2})
    gain, skill, _ = own(seen)
    numbers = torch.Generator().manual_seed(0)
    order, negative = (torch.randperm(len(gain), generator=numbers).numpy() for _ in range(2))
    order = order[np.argsort(skill[order], kind="stable")]
    terms = []
    for place, anchor in enumerate(order):
        positive = order[(place + 1) % len(order)]
        if skill[anchor] == skill[positive] and skill[anchor] != skill[negative[place]]:
            near, far = abs(gain[anchor] - gain[positive]), abs(gain[anchor] - gain[negative[place]])
            terms.append(max(0.0, near - far + 0.2))
    assert len(terms) > 50
    assert number("triplet", seen) == pytest.approx(np.mean(terms), abs=1e-6)


def test_ranking_compares_each_skills_means(seeing):
    seen = seeing({"model.gain_head": "linear", "losses.margin": 0.3})
    gain, skill, response = own(seen)
    terms = []
    for s in range(SKILLS):
        after = [gain[(skill == s) & (response == r)] for r in (0, 1)]
        if len(after[0]) and len(after[1]):
            terms.append(max(0.0, 0.3 - (after[1].mean() - after[0].mean())))
    assert number("ranking", seen) == pytest.approx(np.mean(terms), abs=1e-6)


def test_gain_response_is_minus_the_correlation_where_gains_vary(seeing):
    seen = seeing({"model.gain_head": "linear"})
    gain, _, response = own(seen)
    r = np.corrcoef(gain, response)[0, 1]
    damped = r * gain.std() / math.hypot(gain.std(), 0.01)
    assert number("gain_response", seen) == pytest.approx(-damped, abs=1e-4)


def test_smoothness_looks_at_successive_interactions_with_one_skill(seeing):
    seen = seeing({"model.gain_head": "linear"})
    gains, batch = seen.output.gains.detach().numpy(), seen.batch
    terms = [
        (gains[b, t + 1] - gains[b, t]) ** 2
        for b in range(len(gains))
        for t in range(gains.shape[1] - 1)
        if batch.valid[b, t + 1] and batch.skill[b, t + 1] == batch.skill[b, t]
    ]
    assert number("smoothness", seen) == pytest.approx(np.mean(terms), abs=1e-7)


def test_balance_is_zero_for_even_use_and_k_minus_1_for_one_expert(seeing):
    seen = seeing({"model.gain_head": "mixture", "model.experts": 4})
    for gates, expected in ((torch.zeros(SKILLS, 4), 0.0), (torch.tensor([[50.0, 0, 0, 0]] * SKILLS), 3.0)):
        seen.encoder2.gains.gate.data = gates
        assert number("balance", seen) == pytest.approx(expected, abs=1e-5)
    assert float(value("balance", seeing())) == 0


@pytest.mark.parametrize("head", ["additive", "linear", "per_skill", "mixture", "hierarchical"])
def test_the_fit_draws_every_number_of_a_skill_in_units_of_logits(seeing, head):
    seen = seeing({"model.gain_head": head})
    encoder, fit = seen.encoder2, seen.encoder2.fit
    level, mastery = encoder.gains.skill_logits(), encoder.mastery
    pulls = torch.autograd.grad(value("fit", seen), [level, mastery.offset, mastery.saturation, mastery.threshold])
    apart = [2 * level - fit[:, 0] - fit[:, 1], mastery.offset - fit[:, 2]]
    apart += [(values - fit[:, at]) / 0.25**2 for at, values in ((3, mastery.saturation), (4, mastery.threshold))]
    for pull, distance in zip(pulls, apart, strict=True):
        assert torch.allclose(pull, 2 * distance.detach() / (5 * SKILLS), atol=1e-6)


def test_the_fit_draws_responses_apart(seeing):
    seen = seeing()
    (pull,) = torch.autograd.grad(value("fit", seen), seen.encoder2.gains.after_response)
    wanted = seen.encoder2.fit[:, 1] - seen.encoder2.fit[:, 0]
    assert torch.allclose(pull, -2 * wanted / (5 * SKILLS), atol=1e-6)


def test_without_a_fit_there_is_no_such_term(seeing, tiny):
    seen = seeing()
    seen.encoder2.fit = None
    assert number("fit", seen) == 0
    on = {"weights.fit": 0.1}
    assert "fit" in losses.applied(tiny(on)) and "fit" not in losses.applied(tiny({**on, "model.prior": "none"}))
    assert "fit" not in losses.applied(tiny({**on, "model.accumulation": "all"}))


def test_shrinkage_pulls_skills_to_their_mean_and_leaves_the_mean(seeing):
    seen = seeing()
    head = seen.encoder2.gains
    head.rate.data = torch.tensor([-4.0, -3.0, -2.0, -1.0, 0.0])
    assert number("shrinkage", seen) == pytest.approx(2.0)
    (pull,) = torch.autograd.grad(value("shrinkage", seen), head.rate)
    assert float(pull.sum()) == pytest.approx(0, abs=1e-6) and pull[0] < 0 < pull[-1]


def test_distillation_follows_encoder_1_and_gives_it_no_gradient(seeing):
    seen = seeing()
    taught = torch.sigmoid(seen.output.logits1)
    expected = losses.cross_entropy(seen.output.logits2, taught.detach(), seen.batch.scored)
    found = value("distillation", seen)
    assert float(found.detach()) == pytest.approx(float(expected.detach()))
    assert torch.autograd.grad(found, seen.output.logits1, allow_unused=True, retain_graph=True) == (None,)
    seen.encoder1 = "removed"
    assert number("distillation", seen) == 0


def test_gain_targets_differ_by_skill_and_come_from_the_seed(seeing):
    dealt = []
    for seed in (0, 0, 1):
        seen = seeing({"training.seed": seed})
        value("gain_targets", seen)
        dealt.append(seen.memory["gain_targets"])
    assert torch.equal(dealt[0], dealt[1]) and not torch.equal(dealt[0], dealt[2])
    torch.testing.assert_close(dealt[2].sort().values, torch.linspace(0.1, 0.9, SKILLS))


def test_the_discriminator_learns_to_spot_uniform_gains_and_the_term_pulls_them_apart():
    torch.manual_seed(0)
    judge = Judge(0, CPU)
    uniform = 0.5 + 0.002 * torch.randn(256, 12)
    for _ in range(200):
        judge.learn((0.5 + 0.2 * torch.randn(256, 12)).clamp(0, 1), uniform)
    different = (0.5 + 0.2 * torch.randn(256, 12)).clamp(0, 1)
    assert float((judge.logits(different, learns=False) > 0).float().mean()) > 0.95
    assert float((judge.logits(uniform, learns=False) < 0).float().mean()) > 0.95
    gains = uniform.clone().requires_grad_()
    loss = torch.nn.functional.softplus(-judge.logits(gains, learns=False)).mean()
    (pull,) = torch.autograd.grad(loss, gains)
    assert float((uniform - 0.01 * pull / pull.abs().max()).std(1).mean()) > float(uniform.std(1).mean())
    assert all(layer.grad is None or not layer.grad.isnan().any() for layer in judge.layers)


def numbers(config, data):
    """Everything a run records, without the clock."""
    return [
        {name: v for name, v in event.values.items() if name != "interactions_per_second"}
        for event in train(config, data) if isinstance(event, Stepped)
    ]  # fmt: skip


IDLE = {
    "losses.margin": 0.7, "losses.std_target": 0.4, "losses.variance_form": "std_hinge", "losses.variance_of": "logits",
    "losses.variance_over": "students", "losses.sampled_skills": 3, "model.experts": 9, "pressure.reject_most": 3,
    "pressure.multiplier_rate": 0.5, "pressure.fail_from": 9, "regime.alone_from": 2, "regime.encoder1": "frozen",
    "origin.variance_added": False,
}  # fmt: skip


def test_what_is_off_is_bit_identical_to_its_absence(tiny, data):
    """Weights of 0, forms without a weight, experts without a mixture and so on change no bit of `corrected`."""
    plain, idle = (numbers(tiny({"model.dropout": 0.2, **changes}), data) for changes in ({}, IDLE))
    assert plain == idle and len(plain) > 2
    assert not any(f"loss.{name}" in step for step in plain for name in TERMS)


@pytest.mark.parametrize("name", TERMS)
def test_a_term_that_was_on_and_is_off_again_draws_nothing_any_more(tiny, data, name):
    """Moving a weight to 0 before its first step leaves the run as it is without the term."""
    asked = iter([[{"kind": "set", "field": f"weights.{name}", "value": 0.0, "who": "tests"}]])
    config = tiny({f"weights.{name}": 1.0, "model.dropout": 0.2})
    events = list(train(config, data, lambda: next(asked, [])))
    assert [event.new for event in events if isinstance(event, Changed)] == [0.0]
    told = [
        {key: v for key, v in event.values.items() if key != "interactions_per_second"}
        for event in events if isinstance(event, Stepped)
    ]  # fmt: skip
    assert told == numbers(tiny({"model.dropout": 0.2}), data)


@pytest.mark.parametrize("name", TERMS)
def test_a_term_is_told_raw_weighted_and_as_share(tiny, data, name):
    config = tiny({f"weights.{name}": 0.5, "model.gain_head": HEADS.get(name, "linear"), "model.beta_start_std": 0.1})
    for step in numbers(config, data)[:3]:
        assert step[f"weighted.{name}"] == pytest.approx(0.5 * step[f"loss.{name}"], abs=1e-7)
        shares = {key: v for key, v in step.items() if key.startswith("share.")}
        assert set(shares) == {"share.bce", "share.im", f"share.{name}"} and sum(shares.values()) == pytest.approx(1)
        total = sum(v for key, v in step.items() if key.startswith("weighted."))
        assert step["loss.total"] == pytest.approx(total, abs=1e-6)


FORMS = [(form, of, over) for form in ("minus_variance", "std_hinge") for of in ("gains", "logits")
         for over in ("skills", "students", "responses")]  # fmt: skip


@pytest.mark.parametrize(("form", "of", "over"), FORMS)
def test_every_form_of_the_variance_term_is_that_of_numpy(seeing, form, of, over):
    changes = {"losses.variance_form": form, "losses.variance_of": of, "losses.variance_over": over,
               "losses.std_target": 0.4, "model.gain_head": "linear"}  # fmt: skip
    seen = seeing(changes)
    values = (seen.gains if of == "gains" else seen.gain_logits).detach().numpy().astype(np.float64)
    owner = np.nonzero(seen.batch.valid.numpy())[0]
    if over == "students":
        values = np.stack([values[owner == b].mean(0) for b in np.unique(owner)]).T
    elif over == "responses":
        values = np.stack([values[seen.response.numpy() == r].mean(0) for r in (0, 1)]).T
    spread = values.var(1)
    expected = -spread.mean() if form == "minus_variance" else np.maximum(0, 0.4 - np.sqrt(spread + 1e-4)).mean()
    assert number("variance", seen) == pytest.approx(expected, abs=1e-5)
    (pull,) = torch.autograd.grad(value("variance", seen), seen.encoder2.gains.project.weight)
    assert float(pull.abs().max()) > 0


def test_a_batch_with_one_response_only_has_no_variance_over_responses(seeing):
    seen = seeing({"losses.variance_over": "responses"})
    seen.response = torch.ones_like(seen.response)
    assert number("variance", seen) == 0


def test_sampled_skills_bound_what_is_compared(seeing):
    seen = seeing({"losses.sampled_skills": 3})
    assert seen.gains.shape == (int(seen.batch.valid.sum()), 3) and len(seen.chosen.unique()) == 3
