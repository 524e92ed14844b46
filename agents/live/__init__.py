"""Live use: a stream of raw EEG in, predictions out, with everything that went wrong said."""

from agents.live.chain import LiveChain
from agents.live.log import CSVLog, read_events, read_steps, to_parquet
from agents.live.model import LiveModel, load_live_model
from agents.live.records import Chunk, Event, Output, Source, Step, StreamInfo
from agents.live.reference import Reference, load_reference
from agents.live.runner import LiveRun, Summary, stepped
from agents.live.sources import FileSource, open_file
from agents.live.state import LiveState
from agents.live.view import TerminalView

__all__ = [
    "CSVLog",
    "Chunk",
    "Event",
    "FileSource",
    "LiveChain",
    "LiveModel",
    "LiveRun",
    "LiveState",
    "Output",
    "Reference",
    "Source",
    "Step",
    "StreamInfo",
    "Summary",
    "TerminalView",
    "load_live_model",
    "load_reference",
    "open_file",
    "read_events",
    "read_steps",
    "stepped",
    "to_parquet",
]
