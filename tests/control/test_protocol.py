"""Frames and messages: everything survives a round trip, nothing else gets in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.control import protocol as p
from engine.errors import BadInput
from tests import story

COMMANDS = st.one_of(
    st.builds(p.Hello, version=st.integers(0, 99), client=st.text(max_size=20)),
    st.builds(p.Subscribe, since=st.integers(0, 2**40)),
    st.builds(p.StartRun, id=st.integers(0, 99), task=st.text(max_size=50), seed=st.integers(0, 2**31 - 1)),
    st.builds(
        p.SetFlag,
        id=st.integers(0, 99),
        run=st.text(max_size=9),
        node=st.just("n1"),
        flag=st.just("paused"),
        on=st.booleans(),
    ),
    st.builds(
        p.ChangeInsight,
        id=st.integers(0, 99),
        insight=st.text(max_size=9),
        text=st.none() | st.text(max_size=9),
        pinned=st.none() | st.booleans(),
        deleted=st.none() | st.booleans(),
    ),
    st.builds(p.StopRun, id=st.integers(0, 99), run=st.text(max_size=9)),
    st.builds(p.MakeReport, id=st.integers(0, 99), run=st.text(max_size=9)),
    st.builds(p.GetStatus, id=st.integers(0, 99)),
    st.builds(p.Shutdown, id=st.integers(0, 99)),
)


def body(frame: bytes) -> bytes:
    assert p.body_length(frame[: p.HEADER.size]) == len(frame) - p.HEADER.size
    return frame[p.HEADER.size :]


@given(COMMANDS)
def test_every_client_message_survives_the_wire(message: p.FromClient) -> None:
    assert p.decode_from_client(body(p.encode(message))) == message


def test_records_survive_the_wire() -> None:
    records = tuple(story.records(story.created(), story.base(), story.node("n1", "n0", 0.7)))
    sent = p.decode_from_engine(body(p.encode(p.Records.of(records))))
    assert isinstance(sent, p.Records) and sent.records == records


@pytest.mark.parametrize(
    "event", [b"", b"{}", b'{"type":"noted"}', b'{"type":"of the future"}', b"[" * 100_000, b"\xff"]
)
def test_an_event_that_this_program_does_not_know_is_refused_when_it_is_looked_at(event: bytes) -> None:
    records = p.Records(stored=(p.Stored(1, 0.0, "demo-1", event),))
    sent = p.decode_from_engine(body(p.encode(records)))
    assert sent == records
    with pytest.raises(BadInput, match="not an event"):
        assert isinstance(sent, p.Records) and sent.records


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_with_a_sentence(data: bytes) -> None:
    try:
        p.decode_from_client(data)
    except BadInput as error:
        assert "not a message" in str(error)


@given(COMMANDS, st.data())
def test_a_damaged_frame_is_a_message_or_a_refusal_never_a_crash(message: p.FromClient, data: st.DataObject) -> None:
    frame = bytearray(body(p.encode(message)))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] = data.draw(st.integers(0, 255))
    try:
        p.decode_from_client(bytes(frame))
    except BadInput:
        return


def test_unknown_fields_and_huge_frames_are_refused() -> None:
    import msgspec

    with pytest.raises(BadInput):
        p.decode_from_client(msgspec.msgpack.encode({"kind": "get_status", "id": 1, "extra": True}))
    with pytest.raises(BadInput, match="more than"):
        p.body_length(p.HEADER.pack(p.MAX_FRAME + 1))
    with pytest.raises(BadInput, match="more than"):
        p.encode(p.Hello(version=1, client="x" * (p.MAX_FRAME + 1)))
