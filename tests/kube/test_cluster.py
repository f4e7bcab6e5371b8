"""The real control plane's programs are named by the environment: absent is skipped by name, wrong is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kube.cluster import program


def test_a_program_nobody_named_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason says which part it is."""
    monkeypatch.delenv("KUBE_APISERVER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="kube-apiserver is not installed"):
        program("kube-apiserver")


def test_a_name_that_leads_nowhere_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever names a program wants it used: a misspelt path must not pass as skipped."""
    monkeypatch.setenv("KUBE_APISERVER", str(tmp_path / "nothing"))
    with pytest.raises(pytest.fail.Exception, match="which is no program"):
        program("kube-apiserver")
