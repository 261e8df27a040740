"""The steps of gpu.py: each returns its figures, raises Skipped, or fails by any other exception."""

import argparse
import math
import platform
import resource
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from gainakt.benchmark.networks import flops_per_interaction
from gainakt.config import Config, changed
from gainakt.config.presets import preset
from gainakt.errors import RunFailed
from gainakt.training import state
from gainakt.training.loop import train
from tests.benchmarks.gpu_data import drawn_class, read_pykt

TOLERANCE = 0.02
"""Largest difference of a test AUC between the device and the CPU: other dropout draws and bf16 move it by less."""
PEAK = {
    "B200": 2250.0, "H200": 989.0, "H100 PCIe": 756.0, "H100 NVL": 835.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0,
    "L4": 121.0, "A10": 125.0, "RTX 4090": 165.0, "RTX 3090": 71.0,
}  # fmt: skip
"""Dense bf16 matrix rate in TFLOP/s as the maker states it; the first name that stands in the card's name counts."""
TINY = {
    "model.width": 16, "model.blocks": 1, "model.feedforward": 16, "model.prior": "none", "data.window": 50,
    "training.batch_size": 8, "training.log_every": 1,
}  # fmt: skip
SMALL = {"training.probe_every": 5, "training.log_every": 1, "training.schedule": "constant"}
Figures = dict[str, Any]


class Skipped(Exception):
    """The step does not apply here."""


class Steps:
    """What is checked; each method returns its figures, raises Skipped, or fails by any other exception."""

    def __init__(self, options: argparse.Namespace):
        self.device, self.tiny = options.device, options.tiny
        self.small = drawn_class(60, 6, 12) if self.tiny else drawn_class(800, 12, 30)
        folder = Path(options.data)
        if (folder / "train_valid.csv").is_file() and not self.tiny:
            self.whole = read_pykt(folder)
        else:  # ASSIST2015's size
            self.whole = self.small if self.tiny else drawn_class(19_093, 100, 36)

    def all(self) -> dict[str, tuple[Callable[[], Figures], float]]:
        """Name -> the step and its limit in seconds."""
        widths = (8, 16) if self.tiny else (64, 256, 512)
        return {
            "device": (self.facts, 40.0),
            "agrees with the CPU": (self.agreement, 120.0),
            "bf16": (self.bf16, 40.0),
            **{f"speed, width {width}": (partial(self.speed, width), 110.0) for width in widths},
            "steering and stop": (self.steering, 40.0),
            "resume": (self.resume, 60.0),
            "out of memory": (self.out_of_memory, 60.0),
        }

    def config(self, device: str | None = None, **changes: Any) -> Config:
        """`corrected`, small, on the device; `__` in a name stands for the dot."""
        tiny = TINY if self.tiny else {}
        dotted = {name.replace("__", "."): value for name, value in changes.items()}
        return changed(preset("corrected"), {"training.device": device or self.device, **tiny, **dotted})

    def reachable(self) -> Figures:
        """A number computed on the device."""
        return {"sum": float(torch.ones(10, device=self.device).sum())}

    def facts(self) -> Figures:
        """The card and its own rate of bf16 matrix products."""
        if self.device == "cpu":
            return {"device": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
        card = torch.cuda.get_device_properties(0)
        a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
        for _ in range(3):
            a @ a
        torch.cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(10):
            a @ a
        torch.cuda.synchronize()
        rate = 10 * 2 * 8192**3 / (time.perf_counter() - begun) / 1e12
        return {
            "device": card.name, "memory_gib": round(card.total_memory / 2**30, 1), "cuda": torch.version.cuda,
            "capability": f"{card.major}.{card.minor}", "measured_bf16_tflops": round(rate), "peak": peak(card.name),
        }  # fmt: skip

    def agreement(self) -> Figures:
        """The same small training on the device and on the CPU: test AUC of both encoders."""
        epochs = 2 if self.tiny else 8
        auc = {}
        for device in ("cpu", self.device):
            test = finish(self.config(device, training__max_epochs=epochs), self.small).results["test"]
            auc[device] = {name: round(test[name], 4) for name in ("encoder1_auc", "encoder2_auc")}
        gap = max(abs(auc["cpu"][name] - auc[self.device][name]) for name in auc["cpu"])
        assert gap <= TOLERANCE, f"AUC differs by {gap:.4f}, more than {TOLERANCE}: {auc}"
        return {"auc": auc, "largest_difference": round(gap, 4), "tolerance": TOLERANCE}

    def bf16(self) -> Figures:
        """Matrix products in bf16 on a card, in float32 on the CPU; all recorded losses finite."""
        kinds: set[str] = set()

        def look(module: torch.nn.Module, _: Any, output: Any) -> None:
            if isinstance(module, torch.nn.Linear) and module.training:
                kinds.add(str(output.dtype).removeprefix("torch."))

        hook = register_module_forward_hook(look)
        losses = [
            event.values["loss.total"]
            for event in run(self.config(training__max_epochs=1, **dotless(SMALL)), self.small)
            if event.kind == "step" and "loss.total" in event.values
        ]
        hook.remove()
        expected = "bfloat16" if self.device == "cuda" else "float32"
        assert expected in kinds, f"linear layers gave {kinds}, not {expected}"
        assert losses and all(math.isfinite(loss) for loss in losses), f"losses: {losses[-5:]}"
        return {"linear_outputs": sorted(kinds), "steps": len(losses), "last_loss": round(losses[-1], 4)}

    def speed(self, width: int) -> Figures:
        """Three epochs of the whole data; real (not padded) interactions per second of wall time in epochs 2 and 3."""
        epochs, heads = (2, 2) if self.tiny else (3, 4 if width < 256 else 8)
        config = self.config(
            training__max_epochs=epochs, model__width=width, model__heads=heads, model__feedforward=4 * width
        )
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        started, ended, marks = None, None, {}
        for event in run(config, self.whole):
            now = time.perf_counter()
            if event.kind == "started":
                started = event
            elif event.kind == "step":
                first = marks.setdefault(event.epoch, [now, event.step, now, event.step])
                first[2:] = now, event.step
            elif event.kind == "finished":
                ended = event
        assert started and ended
        later = [mark for epoch, mark in marks.items() if epoch > 1]
        seconds = sum(end - begin for begin, _, end, _ in later)
        steps = sum(last - first for _, first, _, last in later)
        interactions = started.data["split"]["train"]["interactions"] / started.steps_per_epoch
        rate = steps * interactions / seconds if seconds else 0.0
        figures = {
            "data": started.data["name"], "interactions_per_second": round(rate),
            "first_step_after_s": round(marks[1][0] - begun, 1), "all_s": round(time.perf_counter() - begun, 1),
            "test_auc": [round(ended.results["test"][f"encoder{n}_auc"], 4) for n in (1, 2)],
            "host_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        }  # fmt: skip
        flops = rate * flops_per_interaction(config, len(self.whole) / len(self.whole.students))
        figures["encoder_tflops"] = round(flops / 1e12, 3)
        if self.device == "cuda":
            figures["card_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
            if most := peak(torch.cuda.get_device_name(0)):
                figures["share_of_bf16_peak"] = f"{flops / 1e12 / most:.2%}"
        return figures

    def steering(self) -> Figures:
        """A weight moved at step 5, a setting that is refused at step 7, a stop after step 9."""
        asked = {
            5: {"kind": "set", "field": "weights.variance", "value": 10.0, "who": "gpu.py"},
            7: {"kind": "set", "field": "model.width", "value": 8, "who": "gpu.py"},
            10: {"kind": "stop", "who": "gpu.py"},
        }
        calls = iter(range(1, 10**9))

        def requests() -> list[dict[str, Any]]:
            call = next(calls)
            return [asked[call]] if call in asked else []

        events = list(run(self.config(training__max_epochs=50, **dotless(SMALL)), self.small, requests))
        changed = [event for event in events if event.kind == "changed"]
        refused = [event for event in events if event.kind == "refused"]
        assert [(event.step, event.new) for event in changed] == [(5, 10.0)], f"changes: {changed}"
        assert [event.field for event in refused] == ["model.width"], f"refused: {refused}"
        last = events[-1]
        assert (last.kind, last.status, last.step) == ("finished", "stopped", 9), (
            f"it ended as {last.kind} {vars(last)}"
        )
        return {"changed_at": 5, "refused": 1, "stopped_after": last.step}

    def resume(self) -> Figures:
        """A paused training goes on to its end from the state that it kept."""
        with tempfile.TemporaryDirectory() as place:
            config, calls = self.config(training__max_epochs=3, **dotless(SMALL)), iter(range(10**9))
            pause = {"kind": "pause", "who": "gpu.py"}
            first = list(train(config, self.small, lambda: [pause] if next(calls) == 8 else [], Path(place)))
            kept = state.read(Path(place))
            last = list(train(kept.config, self.small, list, Path(place), kept))[-1]
        steps = 3 * first[0].steps_per_epoch
        assert first[-1].kind == "paused", f"ended as {first[-1].kind}"
        assert last.kind == "finished" and last.step == steps, f"ended at step {last.step} of {steps}"
        return {"paused_after": first[-1].step, "finished_at": last.step}

    def out_of_memory(self) -> Figures:
        """Too large a model ends as one RunFailed that says what to do; the next training works."""
        if self.device == "cuda":
            torch.cuda.set_per_process_memory_fraction(300 * 2**20 / torch.cuda.mem_get_info()[1])
            large: Figures = {"model__width": 1024, "model__heads": 8, "model__blocks": 6}
            message = failing(self.config(**large), self.small, RunFailed)
            torch.cuda.set_per_process_memory_fraction(1.0)
            torch.cuda.empty_cache()
        else:

            def full(module: torch.nn.Module, _: Any) -> None:
                if module.training:
                    raise torch.OutOfMemoryError("CUDA out of memory (injected)")

            hook = register_module_forward_pre_hook(full)
            message = failing(self.config(), self.small, RunFailed)
            hook.remove()
        ended = finish(self.config(training__max_epochs=1), self.small)
        return {"error": message, "next_training": ended.status}


def failing(config: Config, data: Any, expected: type[Exception]) -> str:
    """The message with which this training fails; AssertionError when it does not, or by another exception."""
    try:
        for _ in run(config, data):
            pass
    except expected as error:
        return str(error).splitlines()[0]
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} instead of {expected.__name__}: {str(error)[:200]}") from error
    raise AssertionError("the training did not run out of memory")


def dotless(changes: Figures) -> Figures:
    """The dots of field names as double underscores."""
    return {name.replace(".", "__"): value for name, value in changes.items()}


def run(config: Config, data: Any, requests: Callable[[], list[dict[str, Any]]] = list) -> Iterator[Any]:
    """The events of a training with checkpoints in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as place:
        yield from train(config, data, requests, Path(place))


def finish(config: Config, data: Any) -> Any:
    """The last event of a whole training."""
    for event in run(config, data):
        last = event
    assert last.kind == "finished", f"ended with {last.kind}"
    return last


def peak(card: str) -> float | None:
    """The stated bf16 rate of a known card in TFLOP/s, None of another."""
    return next((rate for name, rate in PEAK.items() if all(word in card for word in name.split())), None)


def in_child(step: Callable[[], Figures], pipe: Connection) -> None:
    """Run one step and send how it went."""
    begun = time.perf_counter()
    try:
        status, figures = "PASS", step()
    except Skipped as reason:
        status, figures = "SKIP", {"reason": str(reason)}
    except BaseException as error:
        traceback.print_exc()
        status, figures = "FAIL", {"error": f"{type(error).__name__}: {error}"[:500]}
    pipe.send({"status": status, "seconds": round(time.perf_counter() - begun, 1), **figures})
