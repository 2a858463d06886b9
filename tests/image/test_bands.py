"""Work on several bands at a time; bands themselves are tested with the filters."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lgbpn_cli.image.bands import in_order


def test_results_come_in_the_order_of_the_items_whatever_ends_first() -> None:
    second_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(30)
        if number == 1:
            second_is_done.set()
        return number * number

    with ThreadPoolExecutor(2) as pool:
        assert list(in_order(pool, 2, work, range(5))) == [0, 1, 4, 9, 16]


def test_no_more_are_begun_than_asked_for() -> None:
    begun: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        results = in_order(pool, 2, begun.append, range(9))
        next(results)
    assert begun == [0, 1]


def test_an_error_of_one_comes_where_its_result_would() -> None:
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        list(in_order(pool, 2, lambda number: 1 / number, [1, 0]))
