"""A Slack that is away for hours costs a line now and then, in words, not a traceback every few seconds."""

import logging
from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.slack.transport import Briefly
from tests.edge import Watch


@pytest.fixture
def logged():
    """A logger behind the filter, what came through, and the clock."""
    clock, records = Watch(), []
    logger = logging.Logger("briefly")  # noqa: LOG001 - of this test alone
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    logger.addFilter(Briefly(clock))
    return logger, records, clock


def failed(logger: logging.Logger, error: Exception) -> None:
    """As slack_sdk 3.47 logs a connection that failed."""
    try:
        raise error
    except type(error) as caught:
        logger.exception(f"Failed to connect (error: {caught}); Retrying...")  # noqa: G004, TRY401 - word for word


def test_a_connection_that_fails_is_one_sentence_now_and_then(logged) -> None:
    """The same again within five minutes is not said; another reason is."""
    logger, records, clock = logged
    for _ in range(20):
        failed(logger, aiohttp.ClientError("Cannot connect\nto host"))
        clock.forward(seconds=5)
    assert [(each.getMessage(), each.exc_info) for each in records] == [
        ("Slack cannot be reached, it is tried again: Cannot connect to host", None)
    ]
    failed(logger, TimeoutError())
    assert records[-1].getMessage() == "Slack cannot be reached, it is tried again: TimeoutError"
    clock.forward(seconds=timedelta(minutes=5).total_seconds())
    failed(logger, TimeoutError())
    assert len(records) == 3


def test_an_answer_that_is_no_json_is_slack_being_away(logged) -> None:
    """A proxy's 503: the library fails on its own way to say so; the log says what is so."""
    logger, records, _clock = logged
    try:
        try:
            raise SlackApiError("The request to the Slack API failed. (status: 503)", "upstream error")  # noqa: TRY301
        except SlackApiError as refused:
            refused.response.get("error")
    except AttributeError as caught:
        logger.exception(f"Failed to connect (error: {caught}); Retrying...")  # noqa: G004, TRY401 - word for word
    logger.error("Failed to receive or enqueue a message: AttributeError, 'str' object has no attribute 'get' (s_1)")
    said = [each.getMessage() for each in records]
    assert said[0].startswith("Slack cannot be reached, it is tried again: The request to the Slack API failed.")
    assert said[1] == "Slack cannot be reached, it is tried again: its answer is no JSON"
    assert not any(each.exc_info for each in records)


def test_a_fault_of_ours_keeps_its_traceback(logged) -> None:
    """What is no matter of the connection must be found."""
    logger, records, _ = logged
    failed(logger, KeyError("payload"))
    assert records[0].exc_info is not None
