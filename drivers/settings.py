"""DriverSettings: what the lab file of every real microscope can say."""

from typing import Annotated

from pydantic import Field

from spm_auto.instrument import DataFile, InstrumentSettings
from spm_auto.units import Duration


class DriverSettings(InstrumentSettings):
    """Settings of a real instrument.

    Attributes:
        reply_timeout: How long an answer may take that is due at once [s].
        record: A file for every byte that goes over the wire; see `RecordingLink`.
    """

    reply_timeout: Annotated[Duration, Field(gt=0)] = 10.0
    record: DataFile | None = None
