import os
import zipfile

from djsb_modelscope.checkpoints import find_newest


def write(folder, name, age, whole=True):
    for suffix in (".pth", "_trainer_state.pth"):
        path = folder / f"{name}{suffix}"
        if whole:
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("data.pkl", "x")
        else:
            path.write_bytes(b"PK\x03\x04 cut off")
        os.utime(path, (1000 - age, 1000 - age))


def test_the_newest_whole_checkpoint_is_found(tmp_path):
    assert find_newest(tmp_path) is None
    write(tmp_path, "iter_90", age=30)
    write(tmp_path, "epoch_2", age=20)
    write(tmp_path, "iter_100", age=10, whole=False)
    assert find_newest(tmp_path) == tmp_path / "epoch_2"


def test_one_file_of_two_is_no_checkpoint(tmp_path):
    write(tmp_path, "iter_5", age=1)
    (tmp_path / "iter_5.pth").unlink()
    assert find_newest(tmp_path) is None
