import os

import pytest

from djsb_core.runner.fingerprint import digest_outputs, digest_path, is_intact


def test_a_file_is_its_content(tmp_path):
    one, two, other = (tmp_path / name for name in ("one", "two", "other"))
    one.write_bytes(b"x" * 3_000_000)
    two.write_bytes(b"x" * 3_000_000)
    other.write_bytes(b"x" * 2_999_999 + b"y")
    assert digest_path(one) == digest_path(two) != digest_path(other)


def test_a_folder_is_its_names_and_contents(tmp_path):
    def make(name, **files):
        for file, text in files.items():
            path = tmp_path / name / file.replace("_", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return digest_path(tmp_path / name)

    first = make("a", x="1", sub_y="2")
    assert make("b", sub_y="2", x="1") == first
    assert (
        len({first, make("c", x="1"), make("d", x="2", sub_y="2"), make("e", z="1", sub_y="2")})
        == 4
    )


def test_what_is_absent_has_a_digest_of_its_own(tmp_path):
    assert digest_path(tmp_path / "none") == "absent"


def test_outputs_are_searched_for_paths(tmp_path):
    paths = [tmp_path / name for name in "abcd"]
    for path in paths:
        path.write_text(path.name)
    outputs = {"one": str(paths[0]), "list": [str(paths[1]), 3], "deep": {"x": [str(paths[2])]}}
    others = {
        "text": "a/b",
        "gone": str(tmp_path / "gone"),
        "long": "/" + "x" * 500,
        "nl": f"{paths[3]}\n",
    }
    digests = digest_outputs({**outputs, **others}, [paths[3], tmp_path / "gone"])
    assert list(digests) == [str(path) for path in paths]
    assert is_intact(digests)


@pytest.mark.parametrize("change", [lambda path: path.write_text("y"), os.unlink])
def test_a_changed_or_missing_file_is_noticed(tmp_path, change):
    path = tmp_path / "a"
    path.write_text("x")
    digests = digest_outputs({}, [path])
    change(path)
    assert not is_intact(digests)
    assert is_intact({})


@pytest.mark.parametrize("text", ["relative/path", "no slash", "", "/no/such/file/here", "/a\0b"])
def test_texts_are_no_paths_unless_they_are(text):
    assert digest_outputs({"x": text}, []) == {}
