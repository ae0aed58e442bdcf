"""A coarse stage behind an instrument server: its place and its moves come through."""

from pathlib import Path

import pytest
from served import served
from staged import REACH, StagedMicroscope

from spm_auto.clock import InstantClock
from spm_auto.data import CommandGiven
from spm_auto.errors import Forbidden, LimitExceeded
from spm_auto.instrument import Level, Load, MoveStage
from spm_auto.server.past import read_past
from spm_auto.server.wire import (
    Answer,
    Said,
    capabilities_table,
    pack_answer,
    read_answer,
    read_capabilities,
    read_instruction,
    read_status,
    status_table,
)

THERE = MoveStage(1e-3, -2e-4)


def test_a_client_moves_the_stage_and_reads_back_where_it_is(tmp_path: Path) -> None:
    clock = InstantClock()
    microscope = StagedMicroscope(clock)
    folder = tmp_path / "server" / "00001"
    folder.mkdir(parents=True)
    with served(folder, microscope, clock) as bench:
        client = bench.client(bench.key("alice"), is_autonomous=False)
        client.load(Load())
        assert client.capabilities.stage_range == REACH
        assert client.capabilities.instructions == frozenset({MoveStage})
        assert client.duration(THERE) == pytest.approx(65.0 + 1.02, abs=0.01)
        client.move_stage(THERE)
        assert client.status().stage == (1e-3, -2e-4)
        with pytest.raises(LimitExceeded, match="stage x of"):
            client.move_stage(MoveStage(6e-3, 0.0))
        assert microscope.sent == [(1e-3, -2e-4)]
        looker = bench.key("bob", level=Level.SCAN)
        client.close()
        with pytest.raises(Forbidden, match="MoveStage needs level 2"):
            bench.client(looker, is_autonomous=False).move_stage(THERE)
        given = [event.instruction for event in bench.events(CommandGiven)]
    assert given[:2] == [Load(), THERE]
    past = read_past(tmp_path / "server").instructions
    assert past == (Load(), THERE)  # for the ledger of the next server; the refused one is none


def test_what_comes_over_the_wire_is_a_move_and_a_place() -> None:
    assert read_instruction(THERE) == THERE
    clock = InstantClock()
    microscope = StagedMicroscope(clock)
    value = [capabilities_table(microscope.capabilities), status_table(microscope.status())]
    has, status = read_answer(pack_answer(Answer(1, Said.DONE, value))).result()
    assert read_capabilities(has) == microscope.capabilities
    assert read_status(status) == microscope.status()
