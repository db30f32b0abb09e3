import numpy as np
import pytest

from djsb_core.api import ComponentError
from djsb_modelscope.tokens import TokenRows, collate, encode, pack


class Letters:
    """One token a letter; 0 ends a text."""

    eos_token_id = 0

    def __call__(self, texts, **_):
        return {"input_ids": [[ord(letter) - 96 for letter in text] for text in texts]}


def rows_of(rows):
    return [rows[i].tolist() for i in range(len(rows))]


def test_texts_end_and_are_cut_and_empty_ones_left_out():
    rows = encode(["ab", "", "abcdef"], Letters(), 4)
    assert rows_of(rows) == [[1, 2, 0], [1, 2, 3, 4]]
    assert rows.documents == 2
    assert rows.lengths.tolist() == [3, 4]


def test_nothing_to_predict_is_refused():
    with pytest.raises(ComponentError, match="no text to train on"):
        encode(["", ""], Letters(), None)


def test_packing_loses_no_token_and_pads_none():
    rows = encode(["ab", "cde", "f"], Letters(), None)
    packed = pack(rows, 4)
    assert rows_of(packed) == [[1, 2, 0, 3], [4, 5, 0, 6], [0, 1, 2, 0]]
    assert packed.documents == 3


def test_data_shorter_than_a_block_is_repeated():
    assert rows_of(pack(encode(["a"], Letters(), None), 5)) == [[1, 0, 1, 0, 1]]


def test_batches_are_padded_on_the_right_and_labels_ignore_it():
    batch = collate([np.array([5, 6, 7]), np.array([8])], padding=9)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["labels"].tolist() == [[5, 6, 7], [8, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_a_padding_token_that_is_also_the_end_keeps_its_label():
    batch = collate([np.array([5, 0]), np.array([6, 7, 0])], padding=0)
    assert batch["labels"].tolist() == [[5, 0, -100], [6, 7, 0]]


def test_full_batches_have_no_mask():
    rows = TokenRows(np.arange(6, dtype=np.int32), np.array([0, 3, 6]), 2)
    assert set(collate([rows[0], rows[1]], 0)) == {"input_ids", "labels"}
