"""What ``djsb doctor`` shows of this plugin."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest
from djsb_datajuicer import doctor


def test_this_installation_is_fine() -> None:
    checks = list(doctor.djsb_doctor_checks())
    assert {check.subject for check in checks} >= {"py-data-juicer", "datasets", "aiohttp"}
    assert [check for check in checks if not check.ok] == []


@pytest.mark.parametrize(("version", "said"), [("5.2.0", "5.2.0, wanted"), (None, "not installed")])
def test_what_is_wrong_has_a_remedy(
    monkeypatch: pytest.MonkeyPatch, version: str | None, said: str
) -> None:
    def found(_package: str) -> str:
        if version is None:
            raise PackageNotFoundError
        return version

    monkeypatch.setattr(doctor, "version", found)
    check = next(one for one in doctor.djsb_doctor_checks() if one.subject == "datasets")
    assert not check.ok
    assert said in check.finding
    assert check.remedy == "pip install 'datasets>=4.7.0,<=4.8.4'"
