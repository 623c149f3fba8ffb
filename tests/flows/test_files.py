"""Files that commands write: what stands under the name already, and two programs that want the same one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from flows.cli.files import whole_file
from signals.errors import ConfigurationError


def write(path: Path, content: bytes, *, replace: bool = False) -> None:
    with whole_file(path, replace=replace) as file:
        file.write(content)


def test_a_link_stays_one_and_the_file_it_leads_to_is_replaced_whole(tmp_path: Path) -> None:
    kept, link = tmp_path / "kept" / "reports.json", tmp_path / "link.json"
    kept.parent.mkdir()
    link.symlink_to(kept)
    write(link, b"one")
    assert (link.is_symlink(), kept.read_bytes()) == (True, b"one")
    with pytest.raises(ConfigurationError, match="none of that name"):
        write(link, b"two")
    write(link, b"three", replace=True)
    assert (link.is_symlink(), kept.read_bytes(), len(list(kept.parent.iterdir()))) == (True, b"three", 1)


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(pipe, b"all of it")
    reader.join(10)
    assert (read, pipe.is_fifo()) == ([b"all of it"], True)
    write(Path(os.devnull), b"nothing")
    assert Path(os.devnull).is_char_device()


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="one that can be written, got Is a directory"):
        write(tmp_path, b"", replace=True)


def test_of_two_that_write_the_same_the_first_wins(tmp_path: Path) -> None:
    path = tmp_path / "reports.json"

    def slowly() -> None:
        with whole_file(path, replace=False) as slow:
            slow.write(b"slow")
            write(path, b"quick")

    with pytest.raises(ConfigurationError, match="none of that name"):
        slowly()
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"quick", [path])


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def break_down() -> None:
        with whole_file(tmp_path / "reports.json", replace=True) as file:
            file.write(b"half")
            raise EOFError

    with pytest.raises(EOFError):
        break_down()
    assert list(tmp_path.iterdir()) == []
