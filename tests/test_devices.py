"""The devices that a user chooses from, and what is recorded of a card while it trains."""

import subprocess
from types import SimpleNamespace

import pytest
import torch

from gainakt.errors import InputError
from gainakt.jobs import devices
from gainakt.jobs.service import Service
from gainakt.training import card
from gainakt.training.setup import pick_device
from gainakt.ui import resources
from tests.pages import draw, text_of, write_run

CARDS = "0, NVIDIA H100 80GB HBM3, 3277, 81559, 12\n1, NVIDIA A100, [N/A], 40960, [N/A]\n"


@pytest.fixture
def two_cards(monkeypatch):
    answer = SimpleNamespace(stdout=CARDS)
    monkeypatch.setattr(devices, "subprocess", SimpleNamespace(run=lambda *_, **__: answer, SubprocessError=OSError))
    resources.devices.clear()
    yield
    resources.devices.clear()


def test_cards_are_told_with_memory_and_load_as_far_as_they_tell_it(two_cards):
    first, second, cpu = devices.devices()
    assert (first.setting, second.setting, cpu.setting) == ("cuda:0", "cuda:1", "cpu")
    assert first.label == "GPU 0: NVIDIA H100 80GB HBM3, 3.2 of 79.6 GiB in use, load 12 %"
    assert second.label == "GPU 1: NVIDIA A100"
    assert "threads on" in cpu.label or "thread on" in cpu.label


@pytest.mark.parametrize("error", [FileNotFoundError("nvidia-smi"), subprocess.TimeoutExpired("nvidia-smi", 5)])
def test_without_a_driver_there_is_the_cpu(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(devices.subprocess, "run", fail)
    assert [one.setting for one in devices.devices()] == ["cpu"]


def test_the_form_starts_on_the_chosen_card(two_cards, monkeypatch, page_store):
    started = []
    monkeypatch.setattr(Service, "submit", lambda self, config, **_: started.append(config) or write_run(page_store))
    app = draw("pages/1_Train.py", new="1")
    choice = app.selectbox(key="device")
    assert choice.options[0] == "Automatic: GPU 0" and len(choice.options) == 4
    choice.select("cuda:1").run()
    next(button for button in app.button if button.label == "Start training").click().run()
    assert [config.training.device for config in started] == ["cuda:1"]


def test_a_card_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InputError, match="cuda:2 is not available here; available: cuda, cpu"):
        pick_device("cuda:2")


def test_memory_and_load_are_recorded_once_a_second_and_the_load_only_where_it_is_told(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(card, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * 2**30)
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 40)
    one = card.Card(torch.device("cuda:0"))
    assert one.values() == {"device.memory": 3.0, "device.load": 0.4}
    assert one.values() == {}
    now[0] = 1.5

    def missing(_device):
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed")

    monkeypatch.setattr(torch.cuda, "utilization", missing)
    assert one.values() == {"device.memory": 3.0}
    assert card.Card(torch.device("cpu")).values() == {}


def test_a_run_on_the_cpu_says_why_it_has_no_such_curves(page_store):
    app = draw("pages/1_Train.py", run=write_run(page_store))
    app.segmented_control(key="train-section").set_value("Device").run()
    assert "Memory and load are recorded on NVIDIA GPUs." in text_of(app)
