"""What operations say is what was read and found right: each sentence, and the numbers in it."""

import numpy as np
import pytest
from spoken import NUMBER, STORED, spoken

pytestmark = pytest.mark.filterwarnings("error")


def test_sentences_and_their_numbers():
    said, stored = spoken(), STORED.read_text(encoding="utf-8").splitlines()
    assert [NUMBER.sub("#", line) for line in said] == [NUMBER.sub("#", line) for line in stored]
    for line, kept in zip(said, stored, strict=True):
        numbers, right = ([float(n.rstrip(".")) for n in NUMBER.findall(text)] for text in (line, kept))
        np.testing.assert_allclose(numbers, right, rtol=1e-3, atol=1e-9, err_msg=line)
