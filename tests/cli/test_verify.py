"""`distilnp verify`: an unknown hash is an error. The hub's side of it is in tests/checkpoint/test_hub.py."""

from pathlib import Path

import pytest

from distilnp.checkpoint.hub import HubRevision
from distilnp.cli import main


def test_a_known_model_without_recorded_hashes_is_not_verified(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record that is gone must not make every file right."""
    place = HubRevision("org/name", "main", known_as="some_name")
    monkeypatch.setattr("distilnp.cli.verify.locate", lambda name: place)
    monkeypatch.setattr("distilnp.cli.verify.cached", lambda place: Path(model))
    monkeypatch.setattr("distilnp.cli.verify.expected_hashes", lambda place, commit: {})

    assert main(["verify", "some_name"]) == 1

    assert "no hashes are recorded for some_name" in capsys.readouterr().err
