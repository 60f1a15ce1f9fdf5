import shutil

import pytest

from ecglib.core.errors import DataError
from ecglib.data import fetch as module
from ecglib.data.fetch import fetch
from tests.data.web import FILES, Web, some_set, sums_of

WANTED = sorted(name for name in FILES if "/" not in name)
EDF = "Subject00_1.edf"


@pytest.fixture
def web():
    server = Web()
    yield server
    server.close()


@pytest.fixture
def some(web):
    return some_set(web.url)


def gone() -> str:
    """Give the address of a server that is not there any more."""
    server = Web()
    server.close()
    return server.url


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_files_come_and_nothing_else(some, web, tmp_path):
    done = fetch(some, tmp_path / "new")
    assert done.folder == tmp_path / "new"
    assert (done.n_files, done.downloaded) == (3, tuple(WANTED))
    assert done.n_bytes == sum(len(FILES[name]) for name in WANTED)
    assert names(tmp_path / "new") == sorted([*WANTED, "SHA256SUMS.txt"])
    for name in WANTED:
        assert (tmp_path / "new" / name).read_bytes() == FILES[name]
    assert web.downloads() == [(name, 0) for name in WANTED]


def test_what_is_there_and_right_is_not_asked_for_again(some, web, tmp_path):
    fetch(some, tmp_path)
    (tmp_path / EDF).write_bytes(b"damaged")
    web.asked.clear()
    assert fetch(some, tmp_path).downloaded == (EDF,)
    assert web.downloads() == [(EDF, 0)]
    assert (tmp_path / EDF).read_bytes() == FILES[EDF]


def test_a_broken_connection_is_taken_up_where_it_ended(some, web, tmp_path):
    web.cut[EDF] = [100_000, 700_000]
    fetch(some, tmp_path)
    assert web.downloads()[:3] == [(EDF, 0), (EDF, 100_000), (EDF, 700_000)]
    assert (tmp_path / EDF).read_bytes() == FILES[EDF]


def test_a_connection_that_breaks_again_and_again_leaves_what_came(some, web, tmp_path):
    web.cut[EDF] = [300_000, 300_000, 300_000]
    with pytest.raises(DataError, match=r"broke after 300000 of 1280000 bytes.*it goes on where"):
        fetch(some, tmp_path)
    assert (tmp_path / f"{EDF}.part").stat().st_size == 300_000
    web.asked.clear()
    fetch(some, tmp_path)
    assert web.downloads()[0] == (EDF, 300_000)
    assert names(tmp_path) == sorted([*WANTED, "SHA256SUMS.txt"])


def test_a_server_that_knows_no_ranges_begins_anew(some, web, tmp_path):
    web.knows_ranges = False
    web.cut[EDF] = [300_000]
    fetch(some, tmp_path)
    assert (tmp_path / EDF).read_bytes() == FILES[EDF]


def test_an_interruption_leaves_a_state_that_goes_on(some, web, tmp_path, monkeypatch):
    def interrupted(steps, *_, **__):
        next(iter(steps))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "progress", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(some, tmp_path)
    (part,) = tmp_path.glob("*.part")
    there = part.stat().st_size
    assert 1_000_000 <= there < len(FILES[EDF])
    web.asked.clear()
    fetch(some, tmp_path)
    assert web.downloads()[0] == (EDF, there)
    assert (tmp_path / EDF).read_bytes() == FILES[EDF]


def test_progress_counts_the_megabytes_of_all_files(some, web, tmp_path, monkeypatch):
    seen = []

    def counted(steps, label, *, total, done, unit):
        seen.append((label, total, done, unit, sum(1 for _ in steps)))
        return []

    monkeypatch.setattr(module, "progress", counted)
    (tmp_path / f"{EDF}.part").write_bytes(FILES[EDF][:1_100_000])
    fetch(some, tmp_path)
    assert seen == [("some", 1, 1, "MB", 0)]
    shutil.rmtree(tmp_path)
    fetch(some, tmp_path)
    assert seen[1] == ("some", 1, 0, "MB", 1)


def test_a_wrong_checksum_deletes_what_came(some, web, tmp_path):
    web.files[EDF] = FILES[EDF][:-1] + b"!"
    with pytest.raises(DataError, match="the checksum of what came is wrong; it was deleted"):
        fetch(some, tmp_path)
    assert names(tmp_path) == ["SHA256SUMS.txt"]
    web.files[EDF] = FILES[EDF]
    assert fetch(some, tmp_path).n_files == 3


@pytest.mark.parametrize("length", [10, len(FILES[EDF]), len(FILES[EDF]) + 5])
def test_a_partial_file_of_something_else_is_noticed(some, tmp_path, length):
    part = tmp_path / f"{EDF}.part"
    part.write_bytes(b"x" * length)
    if length <= len(FILES[EDF]):
        with pytest.raises(DataError, match="checksum"):
            fetch(some, tmp_path)
        assert not part.exists()
    fetch(some, tmp_path)
    assert (tmp_path / EDF).read_bytes() == FILES[EDF]


@pytest.mark.parametrize("status", [404, 403, 503])
@pytest.mark.parametrize("name", ["SHA256SUMS.txt", EDF])
def test_a_refusal_is_told_with_its_address(some, web, tmp_path, name, status):
    web.status[name] = status
    with pytest.raises(DataError, match=f"the server answers {status}") as caught:
        fetch(some, tmp_path)
    assert caught.value.file == web.url + name
    assert not list(tmp_path.glob("*.edf"))


def test_without_a_network_it_says_what_to_put_where(tmp_path):
    address = gone()
    with pytest.raises(DataError) as caught:
        fetch(some_set(address), tmp_path / "here")
    text = str(caught.value)
    assert f"no answer from {address}SHA256SUMS.txt" in text
    assert "download two EDF files and subject-info.csv and SHA256SUMS.txt yourself" in text
    assert f"from {address}, put them into {tmp_path / 'here'}, and run ecglib fetch some" in text
    assert not (tmp_path / "here").exists()


def test_files_put_there_by_hand_are_checked_without_a_network(tmp_path):
    for name in WANTED:
        (tmp_path / name).write_bytes(FILES[name])
    (tmp_path / "SHA256SUMS.txt").write_bytes(sums_of(FILES))
    some = some_set(gone())
    assert fetch(some, tmp_path).downloaded == ()
    (tmp_path / EDF).write_bytes(b"damaged")
    with pytest.raises(DataError, match=f"no answer from .*download {EDF} and SHA256SUMS.txt"):
        fetch(some, tmp_path)


@pytest.mark.parametrize(
    "address", ["file:///etc/", "ftp://example.org/", "/tmp", "physionet.org/files", "http://"]
)
def test_only_the_web_is_asked(tmp_path, address):
    with pytest.raises(DataError, match=r"field mirror: the address .*https://"):
        fetch(some_set(), tmp_path, mirror=address)
    assert names(tmp_path) == []


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://example.org/x"])
def test_a_redirection_elsewhere_is_refused(some, web, tmp_path, target):
    web.redirect[EDF] = target
    with pytest.raises(DataError):
        fetch(some, tmp_path)
    assert not (tmp_path / EDF).exists()


def test_a_redirection_on_the_web_is_followed(some, web, tmp_path):
    web.files["elsewhere"] = FILES[EDF]
    web.redirect[EDF] = f"{web.url}elsewhere"
    assert fetch(some, tmp_path).n_files == 3


@pytest.mark.parametrize(
    "name",
    ["../../x", "..\\x.edf", "/etc/Subject00_1.edf", "C:Subject00_1.edf", "a/../Subject00_1.edf"],
)
def test_a_list_that_names_files_elsewhere_is_refused(some, web, tmp_path, name):
    web.files["SHA256SUMS.txt"] += f"{'0' * 64} {name}\n".encode()
    with pytest.raises(DataError, match="the list of checksums names"):
        fetch(some, tmp_path / "in")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    "spoil",
    [lambda text: b"<html>no such page</html>", lambda text: text[:100], lambda text: b""],
)
def test_a_list_that_is_none_or_lacks_files(some, web, tmp_path, spoil):
    web.files["SHA256SUMS.txt"] = spoil(web.files["SHA256SUMS.txt"])
    with pytest.raises(DataError, match=r"a list of checksums with . files of this set"):
        fetch(some, tmp_path)
    assert names(tmp_path) == []


def test_a_list_that_breaks_off_is_not_kept(some, web, tmp_path):
    web.cut["SHA256SUMS.txt"] = [200]
    with pytest.raises(DataError, match="the connection broke within"):
        fetch(some, tmp_path)
    assert names(tmp_path) == []


def test_a_full_disk_is_noticed_before(some, tmp_path, monkeypatch):
    room = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: room)
    with pytest.raises(DataError, match="2 MB are needed, and there is less room"):
        fetch(some, tmp_path)
    assert names(tmp_path) == ["SHA256SUMS.txt"]


def test_a_mirror_takes_the_place_of_the_address(web, tmp_path):
    elsewhere = some_set(gone())
    assert fetch(elsewhere, tmp_path, mirror=web.url.rstrip("/")).n_files == 3


def test_the_default_place_is_in_the_home_folder(some, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    assert fetch(some).folder == tmp_path / "data" / "some"


def test_an_unknown_set(tmp_path):
    with pytest.raises(DataError, match=r"no open set is named 'wesad'.*eegmat or mitdb"):
        fetch("wesad", tmp_path)
