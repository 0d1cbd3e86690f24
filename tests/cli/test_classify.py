"""Texts that arrive one by one become runs."""

from collections.abc import Iterator

from distilnp.cli.classify import arrivals


def test_texts_that_arrived_together_are_one_run() -> None:
    next_has_arrived = {"a": True, "b": False, "c": True, "d": True, "e": False}
    read: list[str] = []

    def texts() -> Iterator[str]:
        for text in next_has_arrived:
            read.append(text)
            yield text

    runs = arrivals(texts(), ready=lambda: next_has_arrived[read[-1]])
    assert [list(run) for run in runs] == [["a", "b"], ["c", "d", "e"]]


def test_no_text_is_read_before_it_is_asked_for() -> None:
    read = (text for text in "abc")
    run = next(arrivals(read, ready=lambda: True))
    assert next(run) == "a"
    assert next(read) == "b"


def test_without_texts_there_are_no_runs() -> None:
    assert list(arrivals(iter(()), ready=lambda: False)) == []
