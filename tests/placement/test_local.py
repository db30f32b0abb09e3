"""The placement on this machine keeps the contract of placements, with workers and without."""

import pytest

from djsb_core.testing import PlacementContract


class TestLocal(PlacementContract):
    name = "local"

    @pytest.fixture(params=[0, 1, 3])
    def settings(self, request):
        return {"workers": request.param}

    def test_it_has_an_executor_for_each_worker(self, component, settings):
        assert len(component.create_executors()) == max(1, settings["workers"])

    def test_an_address_is_refused(self, component):
        with pytest.raises(ValueError, match="takes no address"):
            component.config_type(address="head:6379")
