"""Pages that are made from the code say what the code says."""

from gainakt.cli.docs import COMMAND, EXAMPLES, FOLDER, PAGES, stale
from gainakt.cli.main import VERBS
from gainakt.config import SECTIONS, Config, fields
from gainakt.config.presets import PRESETS


def test_settings_and_command_line_are_written_from_the_present_code():
    assert stale() == [], f"write them with: {COMMAND}"


def test_a_page_that_differs_is_stale(tmp_path, monkeypatch):
    monkeypatch.setattr("gainakt.cli.docs.FOLDER", tmp_path)
    assert stale() == list(PAGES)
    for name, page in PAGES.items():
        (tmp_path / name).write_text(page(), encoding="utf-8")
    assert stale() == []
    (tmp_path / "cli.md").write_text(PAGES["cli.md"]() + "x", encoding="utf-8")
    assert stale() == ["cli.md"]


def test_every_setting_preset_verb_and_option_is_there():
    settings, commands = (FOLDER / name for name in ("settings.md", "cli.md"))
    text = settings.read_text(encoding="utf-8")
    assert all(f"`{name}`, default" in text for name in fields())
    assert all(f"### `{name}`" in text for name in PRESETS)
    assert list(SECTIONS) == list(Config.model_fields)
    text = commands.read_text(encoding="utf-8")
    assert all(f"## gainakt {verb.__name__}" in text for verb in VERBS)
    assert set(EXAMPLES) == {verb.__name__ for verb in VERBS}
    for option in ("--json", "--store", "--set", "--with", "--beside", "--rejected", "--tests / --no-tests"):
        assert option in text
