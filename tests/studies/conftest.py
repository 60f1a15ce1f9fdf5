"""Studies of these tests find no real file, no results and no settings of whoever runs them."""

import pytest

from ecglib.core.folders import ARTIFACTS, HOME
from ecglib.data import dreamer
from ecglib.studies import profiles, restricted
from ecglib.studies.study import Study
from tests.studies.tiny import SPEC, TINY


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory):
    """An empty home folder."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv(HOME, str(folder))
        for variable in (ARTIFACTS, dreamer.VARIABLE, profiles.VARIABLE, restricted.SWITCH):
            patch.delenv(variable, raising=False)
        yield folder


@pytest.fixture(scope="module")
def study(home, tmp_path_factory):
    """A tiny study that keeps what it computes for all tests of a module."""
    return Study(profile=TINY, folder=tmp_path_factory.mktemp("artifacts"), spec=SPEC)
